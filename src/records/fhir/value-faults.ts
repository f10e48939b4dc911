import { r4Alone } from "#records/fhir/conformance.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { resourceSchema, type ElementSchema } from "#records/fhir/schema.ts";
import { terminologyOf } from "#records/fhir/terminology/terminology.ts";
import type { CodeSet } from "#records/fhir/terminology/value-set.ts";

/** Each tells what is wrong with a value whose parts are of the right form; null when nothing is. */

// ext-1: an extension has either a value or extensions of its own.
export function extensionFault(value: JsonObject): string | null {
  let valued = false;
  for (const key in value) if (key.startsWith("value") || key.startsWith("_value")) valued = true;
  return valued === "extension" in value ? "must have either a value or extensions" : null;
}

const relative = /^([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

/** A literal reference names a type of R4, and one of those that its element may point to. */
export function referenceFault({ reference }: JsonObject, element: ElementSchema): string | null {
  if (typeof reference !== "string") return null;
  const type = relative.exec(reference)?.[1];
  if (type === undefined) return null;
  if (resourceSchema(type) === null) return "names no resource type of R4";
  return element.targets === null || element.targets.has(type)
    ? null
    : "names a resource type that may not stand here";
}

// The bindings of R4's own types are to R4's own value sets, whatever a package says of them.
const codesOf = (url: string): CodeSet | null => terminologyOf(r4Alone).valueSet(url);

export function codeFault(value: unknown, valueSet: string): string | null {
  return codesOf(valueSet)?.hasCode(String(value)) === false
    ? "is not one of the codes of R4"
    : null;
}

/** R4 §4.1.5.1: of a required binding, one coding at least is of the value set. */
export function codedFault(value: JsonObject, element: ElementSchema): string | null {
  const codes = element.valueSet === null ? null : codesOf(element.valueSet);
  if (codes === null) return null;
  const codings = element.type === "CodeableConcept" ? listOf(value.coding) : [value];
  const wrong = codings.every(
    (coding) => isObject(coding) && codes.has(String(coding.system), String(coding.code)) === false,
  );
  return wrong ? "has no code of those that R4 requires" : null;
}
