import { isObject, listOf } from "#records/fhir/json-value.ts";
import type { CodeSet, Membership } from "#records/fhir/terminology/value-set.ts";

/** Whether a coded value of any type is of the value set; null when that cannot be told. */
export function isCodedIn(value: unknown, type: string, set: CodeSet): Membership {
  if (typeof value === "string") return set.hasCode(value);
  if (!isObject(value)) return null;
  if (type === "CodeableConcept") {
    const verdicts = listOf(value.coding).map((coding) => codingIn(coding, set));
    if (verdicts.includes(true)) return true;
    return verdicts.includes(null) ? null : false;
  }
  return codingIn(value, set);
}

/** A Coding, or a Quantity by its unit. */
function codingIn(coding: unknown, set: CodeSet): Membership {
  if (!isObject(coding)) return null;
  const { system, code } = coding;
  if (typeof code !== "string") return false;
  return typeof system === "string" ? set.has(system, code) : false;
}
