import type { Resource } from "@medplum/fhirtypes";
import { unreachable } from "#core/result.ts";
import { countEvaluated, findBroken } from "#records/fhir/invariants.ts";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { checkPrimitive } from "#records/fhir/primitives.ts";
import {
  codedFault,
  codeFault,
  extensionFault,
  referenceFault,
} from "#records/fhir/value-faults.ts";
import {
  resourceSchema,
  typeSchema,
  type ElementSchema,
  type TypeSchema,
} from "#records/fhir/schema.ts";

/** One thing wrong with a resource: its element as FHIRPath, and words that hold no value of it. */
export interface Finding {
  readonly at: string;
  readonly detail: string;
}

/** A sender can use no more than this of a resource's faults at once. */
const maxFindings = 50;

/** FHIRPath rules over more values than this, or more rules, could keep a process busy for seconds. */
const maxValuesOfRule = 20_000;
const maxRulesEvaluated = 20_000;

interface Walk {
  /** Objects and primitive values seen so far. */
  seen: number;
  /** Rules left to FHIRPath so far. */
  evaluated: number;
  /** Steps and array indexes from the root; turned into text only for a finding. */
  readonly path: (string | number)[];
  readonly findings: Finding[];
  /** The resource in which the walk stands, for `%resource`. */
  resource: JsonObject;
  /** The outermost resource that is not a Bundle or Parameters, for references to `#id`. */
  container: JsonObject;
}

function pathText(path: readonly (string | number)[]): string {
  let text = "";
  for (const step of path) text += typeof step === "number" ? `[${step}]` : `${text && "."}${step}`;
  return text;
}

function note(walk: Walk, detail: string): void {
  if (walk.findings.length < maxFindings) walk.findings.push({ at: pathText(walk.path), detail });
}

function noteAt(walk: Walk, step: string, detail: string): void {
  walk.path.push(step);
  note(walk, detail);
  walk.path.pop();
}

/** The findings of R4 over a resource whose type is known; empty when it is valid. */
export function findingsOf(value: JsonObject, schema: TypeSchema): readonly Finding[] {
  const walk: Walk = {
    path: [schema.name],
    findings: [],
    seen: 0,
    evaluated: 0,
    resource: value,
    container: value,
  };
  checkObject(walk, value, schema);
  return walk.findings;
}

function checkObject(walk: Walk, value: JsonObject, schema: TypeSchema): void {
  const seenBefore = walk.seen;
  let choices: Map<string, string> | null = null;
  let any = schema.isResource;
  for (const key in value) {
    if (key === "resourceType" && schema.isResource) continue;
    const shadow = key.startsWith("_");
    const name = shadow ? key.slice(1) : key;
    const element = schema.elements.get(name);
    if (element === undefined || (shadow && element.kind !== "primitive")) {
      noteUnknown(walk, key);
      continue;
    }
    any = true;
    walk.seen += 1;
    walk.path.push(element.step);
    if (element.choice) {
      choices ??= new Map();
      const other = choices.get(element.step) ?? name;
      if (other !== name) note(walk, `may be given once, not as both ${other} and ${name}`);
      choices.set(element.step, name);
    }
    if (shadow) checkShadow(walk, value[key], value[name], element);
    else checkElement(walk, value[key], value[`_${key}`], element);
    walk.path.pop();
  }
  if (!any) note(walk, "must not be empty");
  for (const { step, keys } of schema.required)
    if (!keys.some((key) => key in value || `_${key}` in value)) noteAt(walk, step, "is required");
  const fault = schema.name === "Extension" ? extensionFault(value) : null;
  if (fault !== null) note(walk, fault);
  if (schema.constraints.length > 0) {
    const values = walk.seen - seenBefore;
    noteBroken(walk, { value, type: schema.name, values }, schema.constraints);
  }
}

const plainName = /^_?[A-Za-z][A-Za-z0-9]{0,39}$/;

// A key is the sender's own text: one that is not even of the form of a name is not repeated.
function noteUnknown(walk: Walk, key: string): void {
  if (plainName.test(key)) noteAt(walk, key, "is no element that R4 knows here");
  else note(walk, "has a key that R4 does not know");
}

function checkElement(walk: Walk, value: unknown, shadow: unknown, element: ElementSchema): void {
  if (!element.many) {
    if (Array.isArray(value)) note(walk, "must be a single value, not an array");
    else checkValue(walk, value, element);
    return;
  }
  if (!Array.isArray(value)) {
    note(walk, "must be an array");
    return;
  }
  const items: readonly unknown[] = value;
  if (items.length === 0) note(walk, "must not be empty");
  if (items.length > element.max) note(walk, `may be given at most ${element.max} times`);
  for (let i = 0; i < items.length; i += 1) {
    walk.path.push(i);
    // R4 §2.6.2.3: null holds the place of a value that has only an extension.
    if (items[i] !== null || !hasShadow(shadow, i)) checkValue(walk, items[i], element);
    walk.path.pop();
  }
}

function hasShadow(shadow: unknown, index: number): boolean {
  return Array.isArray(shadow) && isObject(shadow[index]);
}

/** `_name` beside `name`: the id and extensions of a primitive. */
function checkShadow(walk: Walk, shadow: unknown, value: unknown, element: ElementSchema): void {
  const schema = typeSchema("Element");
  if (schema === null) return;
  if (!element.many) {
    if (isObject(shadow)) checkObject(walk, shadow, schema);
    else note(walk, "must have an object beside it that holds its extensions");
    return;
  }
  if (!Array.isArray(shadow) || shadow.length === 0) {
    note(walk, "must have an array beside it that holds its extensions");
    return;
  }
  if (Array.isArray(value) && value.length !== shadow.length)
    note(walk, "must have as many extension places as values");
  const items: readonly unknown[] = shadow;
  for (const [i, item] of items.entries()) {
    walk.path.push(i);
    if (isObject(item)) checkObject(walk, item, schema);
    else if (item !== null) note(walk, "must be an object or null");
    else if (!Array.isArray(value) || value[i] === null)
      note(walk, "has neither value nor extension");
    walk.path.pop();
  }
}

function checkValue(walk: Walk, value: unknown, element: ElementSchema): void {
  const seenBefore = walk.seen;
  checkKind(walk, value, element);
  if (element.constraints.length === 0) return;
  const values = walk.seen - seenBefore;
  noteBroken(walk, { value, type: element.type, values }, element.constraints);
}

function checkKind(walk: Walk, value: unknown, element: ElementSchema): void {
  switch (element.kind) {
    case "primitive":
      checkText(walk, value, element);
      return;
    case "resource":
      checkInner(walk, value);
      return;
    case "complex":
      checkComplex(walk, value, element);
      return;
    default:
      unreachable(element.kind);
  }
}

function checkText(walk: Walk, value: unknown, { type, valueSet }: ElementSchema): void {
  const wrong = checkPrimitive(type, value);
  const fault = wrong ?? (valueSet === null ? null : codeFault(value, valueSet));
  if (fault !== null) note(walk, fault);
}

function checkComplex(walk: Walk, value: unknown, element: ElementSchema): void {
  const schema = typeSchema(element.type);
  if (!isObject(value) || schema === null) {
    note(walk, "must be an object");
    return;
  }
  checkObject(walk, value, schema);
  if (element.type === "Reference") {
    const fault = referenceFault(value, element);
    if (fault !== null) noteAt(walk, "reference", fault);
  } else {
    const fault = codedFault(value, element);
    if (fault !== null) note(walk, fault);
  }
}

interface Ruled {
  readonly value: unknown;
  readonly type: string;
  /** How many values it holds, itself left aside. */
  readonly values: number;
}

function noteBroken(
  walk: Walk,
  { value, type, values }: Ruled,
  constraints: TypeSchema["constraints"],
): void {
  const { resource, container } = walk;
  const evaluated = countEvaluated(constraints);
  walk.evaluated += evaluated;
  if (evaluated > 0 && (values > maxValuesOfRule || walk.evaluated > maxRulesEvaluated))
    note(walk, "is too large for the rules of R4 to be checked");
  else
    for (const key of findBroken({ value, type, resource, container }, constraints))
      note(walk, `does not keep the rule ${key} of R4`);
}

/** A resource within: contained, the entry of a Bundle, a parameter. */
function checkInner(walk: Walk, value: unknown): void {
  const type = isObject(value) ? value.resourceType : undefined;
  const schema = typeof type === "string" ? resourceSchema(type) : null;
  if (!isObject(value) || schema === null) {
    noteAt(walk, "resourceType", "is not a resource type of R4");
    return;
  }
  const { resource, container } = walk;
  const outer = resource.resourceType;
  walk.resource = value;
  if (outer === "Bundle" || outer === "Parameters") walk.container = value;
  checkObject(walk, value, schema);
  walk.resource = resource;
  walk.container = container;
}

/** The value as a typed resource: the walk above has found nothing against it. */
export function asResource(value: JsonObject): Resource {
  return value as unknown as Resource;
}
