import { ok, type Result } from "#core/result.ts";
import { isExactObject, type Exact, type ExactObject } from "#records/fhir/patch/exact-json.ts";
import { patchRefused } from "#records/fhir/patch/patch.ts";
import { append, elementsNamed, setSingle, type Put } from "#records/fhir/patch/places.ts";
import type { ElementSchema } from "#records/fhir/schema.ts";

/** One parameter of a Parameters resource, or one of its parts. */
export type Part = ExactObject;

const objectsIn = (list: Exact | undefined): readonly ExactObject[] =>
  Array.isArray(list) ? list.filter(isExactObject) : [];

export const partsOf = (part: Part): readonly Part[] => objectsIn(part.part);

export const parametersOf = (resource: ExactObject): readonly Part[] =>
  objectsIn(resource.parameter);

/** Null unless there is exactly one of this name. */
export function partNamed(parts: readonly Part[], name: string): Part | null {
  const [part, more] = parts.filter((each) => each.name === name);
  return part === undefined || more !== undefined ? null : part;
}

/** `HumanName` of `valueHumanName` or `_valueHumanName`; null when no value[x] is given. */
function suffixOf(part: Part): string | null {
  const key = Object.keys(part).find((each) => /^_?value[A-Z]/.test(each));
  return key === undefined ? null : key.replace(/^_?value/, "");
}

/** What goes into an element, and into which: a choice of types has several. */
export interface ReadPut extends Put {
  readonly element: ElementSchema;
}

/**
 * Reads the value for one of these elements, which are of one name: value[x], a resource, or
 * parts, for an element whose type has no name of its own (R4 §3.1.0.7.2).
 */
export function readPut(
  part: Part,
  elements: readonly ElementSchema[],
  where: string,
): Result<ReadPut> {
  const [first] = elements;
  if (first === undefined) return patchRefused(where, "R4 knows no such element there");
  const suffix = suffixOf(part);
  const element = first.choice
    ? elements.find(({ key, step }) => key === `${step}${suffix}`)
    : first;
  if (element === undefined) return patchRefused(where, "the value is of another type");
  if (suffix !== null) {
    const value = part[`value${suffix}`] ?? null;
    return ok({ element, value, shadow: part[`_value${suffix}`] ?? null });
  }
  if (part.resource !== undefined) return ok({ element, value: part.resource, shadow: null });
  const built = build(partsOf(part), element.type, where);
  return built.ok ? ok({ element, value: built.value, shadow: null }) : built;
}

function build(parts: readonly Part[], type: string, where: string): Result<ExactObject> {
  const holder: ExactObject = {};
  if (parts.length === 0) return patchRefused(where, "the value is empty");
  for (const part of parts) {
    const name = typeof part.name === "string" ? part.name : "";
    const put = readPut(part, elementsNamed(type, name), where);
    if (!put.ok) return put;
    const { element } = put.value;
    const place = { holder, key: element.key };
    if (element.many) append(place, put.value);
    else setSingle(place, put.value);
  }
  return ok(holder);
}
