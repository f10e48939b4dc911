import { evalFhirPath } from "@medplum/core";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { typeSchema, type ElementSchema } from "#records/fhir/schema.ts";

/** Reads the values at one FHIRPath out of a resource, arrays flattened. */
export type Reader = (resource: JsonObject) => readonly unknown[];

type Step =
  | { readonly kind: "keys"; readonly keys: readonly string[] }
  | { readonly kind: "refers"; readonly type: string }
  | { readonly kind: "where"; readonly key: string; readonly value: string };

/** What the path compiled so far leads to: the elements that the last step may have read. */
interface Compiled {
  readonly steps: readonly Step[];
  readonly from: readonly ElementSchema[];
}

const pieces =
  /\.(?:ofType|as)\((\w+)\)|\.where\(resolve\(\) is (\w+)\)|\.where\((\w+)\s*=\s*'([^']*)'\)|\.(\w+)/y;

/** Packages also name the key of a choice, `valueDateTime`, where FHIRPath says `value`. */
function isStep({ step, key, choice }: ElementSchema, asked: string): boolean {
  return step === asked || (choice && key === asked);
}

function field(compiled: Compiled, step: string, root: string): Compiled | null {
  const parents = compiled.steps.length === 0 ? [root] : compiled.from.map(({ type }) => type);
  const from = parents.flatMap((name) =>
    [...(typeSchema(name)?.elements.values() ?? [])].filter((element) => isStep(element, step)),
  );
  if (from.length === 0) return null;
  const keys = [...new Set(from.map(({ key }) => key))];
  return { steps: [...compiled.steps, { kind: "keys", keys }], from };
}

/** Keeps of a choice, `value[x]`, what is of this type. */
function narrowed({ steps, from }: Compiled, type: string): Compiled | null {
  // R4 itself writes `DateTime` for dateTime in places.
  const primitive = type.charAt(0).toLowerCase() + type.slice(1);
  const kept = from.filter((element) => element.type === type || element.type === primitive);
  if (kept.length === 0 || steps.at(-1)?.kind !== "keys") return null;
  const keys = kept.map(({ key }) => key);
  return { steps: [...steps.slice(0, -1), { kind: "keys", keys }], from: kept };
}

function next(compiled: Compiled, found: RegExpExecArray, root: string): Compiled | null {
  const [, ofType, resolves, key, value, step] = found;
  if (step !== undefined) return field(compiled, step, root);
  if (ofType !== undefined) return narrowed(compiled, ofType);
  if (resolves !== undefined)
    return { ...compiled, steps: [...compiled.steps, { kind: "refers", type: resolves }] };
  if (key === undefined || value === undefined) return null;
  return { ...compiled, steps: [...compiled.steps, { kind: "where", key, value }] };
}

/** Without parentheses that only group, as those of a call follow a letter; `(x as T)` as `x.as(T)`. */
function ungrouped(path: string): string {
  return path
    .trim()
    .replace(/^\(([\w.]+) as (\w+)\)/, "$1.as($2)")
    .replace(/^\(([^()]*(?:\([^()]*\)[^()]*)*)\)/, "$1");
}

/** A path such as `Type.a.b.ofType(X)`; null when it says more than that. */
function compile(path: string, type: string): Compiled | null {
  const plain = ungrouped(path);
  if (!plain.startsWith(`${type}.`)) return null;
  let compiled: Compiled | null = { steps: [], from: [] };
  pieces.lastIndex = type.length;
  while (compiled !== null && pieces.lastIndex < plain.length) {
    const found = pieces.exec(plain);
    if (found === null) return null;
    compiled = next(compiled, found, type);
  }
  return compiled;
}

/** The type of the elements at a path; null when they are of several, or the path is not plain. */
export function typeAt(path: string, type: string): string | null {
  if (path === type) return type;
  const types = new Set(compile(path, type)?.from.map((element) => element.type));
  const [only, more] = types;
  return more === undefined ? (only ?? null) : null;
}

/** The value sets to which codes at a path are bound without exception. */
export function valueSetsAt(path: string, type: string): readonly string[] {
  return (compile(path, type)?.from ?? []).flatMap(({ valueSet }) => valueSet ?? []);
}

/** The alternatives `a | b` of an expression. */
export function alternativesOf(expression: string): readonly string[] {
  const alternatives: string[] = [];
  let depth = 0;
  let from = 0;
  for (const { 0: char, index } of expression.matchAll(/'[^']*'|[()|]/g)) {
    if (char === "(") depth += 1;
    else if (char === ")") depth -= 1;
    else if (char === "|" && depth === 0) {
      alternatives.push(expression.slice(from, index).trim());
      from = index + 1;
    }
  }
  return [...alternatives, expression.slice(from).trim()];
}

function refersTo(value: unknown, type: string): boolean {
  if (!isObject(value)) return false;
  if (value.type === type) return true;
  const { reference } = value;
  return (
    typeof reference === "string" &&
    (reference.startsWith(`${type}/`) || reference.includes(`/${type}/`))
  );
}

function collect(value: unknown, steps: readonly Step[], at: number, into: unknown[]): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    for (const item of items) collect(item, steps, at, into);
    return;
  }
  const step = steps[at];
  if (step === undefined) {
    into.push(value);
    return;
  }
  switch (step.kind) {
    case "keys":
      if (isObject(value)) for (const key of step.keys) collect(value[key], steps, at + 1, into);
      return;
    case "refers":
      if (refersTo(value, step.type)) collect(value, steps, at + 1, into);
      return;
    case "where":
      if (isObject(value) && value[step.key] === step.value) collect(value, steps, at + 1, into);
  }
}

/**
 * Compiles one FHIRPath of a search parameter for a resource type. The paths of R4 are nearly all
 * plain steps and are read directly, a hundred times faster; any other is left to the library.
 */
export function compilePath(path: string, type: string): Reader {
  return readerOf(compile(path, type), path);
}

/** As compilePath, of a path that begins at an element of this type, such as `code` in `Observation.component`. */
export function compileWithin(path: string, element: string): Reader {
  return readerOf(compile(`${element}.${path}`, element), path);
}

function readerOf(compiled: Compiled | null, path: string): Reader {
  if (compiled === null) return (value) => evalFhirPath(path, value);
  const { steps } = compiled;
  return (value) => {
    const values: unknown[] = [];
    collect(value, steps, 0, values);
    return values;
  };
}

/** True when the path was compiled to plain steps, so that reading it costs next to nothing. */
export function isPlainPath(path: string, type: string): boolean {
  return compile(path, type) !== null;
}
