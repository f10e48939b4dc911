import { scanJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Conformance } from "#records/fhir/conformance.ts";
import { checkResponse } from "#records/fhir/forms/response.ts";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { narrativeFault } from "#records/fhir/narrative.ts";
import { checkProfile } from "#records/fhir/profiles/check.ts";
import { beginCheck, checkAgainst, checkClaims, visitAll } from "#records/fhir/profiles/claims.ts";
import type { Item } from "#records/fhir/profiles/items.ts";
import { say, type Check, type Issue } from "#records/fhir/profiles/walk.ts";
import { resourceSchema, type TypeSchema } from "#records/fhir/schema.ts";
import { checkSense, impliedProfile } from "#records/fhir/value-sense.ts";
import { findingsOf } from "#records/fhir/validate.ts";

/** How closely to look at a resource. */
export interface Assessed {
  readonly conformance: Conformance;
  /** Canonicals of profiles that it should follow, whether it claims them or not. */
  readonly profiles: readonly string[];
}

/** Reads a resource as `parseResource` does; fails as that does where there is none to assess. */
function resourceOf(
  text: string,
): Result<{ readonly value: JsonObject; readonly schema: TypeSchema }> {
  const scanned = scanJson(text, limits.jsonDepth);
  if (!scanned.ok) return scanned;
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) return refuse("resource-invalid", { detail: "must be a JSON object" });
  const { resourceType } = value;
  if (typeof resourceType !== "string")
    return refuse("resource-invalid", { at: "resourceType", detail: "is required" });
  const schema = resourceSchema(resourceType);
  return schema === null ? refuse("resource-type-unknown") : ok({ value, schema });
}

/** Stored as it was sent all the same; see narrative.ts. */
function checkNarrative(check: Check, { type, value }: Item): void {
  const fault = type === "xhtml" && typeof value === "string" ? narrativeFault(value) : null;
  if (fault !== null) say(check, "warning", fault);
}

/** Vital signs follow their profiles whether they claim them or not. */
function checkImplied(check: Check, item: Item): void {
  const implied = isObject(item.value) ? impliedProfile(item.value) : null;
  const profile = implied === null ? null : check.profiles.find(implied);
  if (profile !== null) checkProfile(check, item, profile);
}

/**
 * Everything that is to be said of a resource, of which a write asks only for no error: R4, the
 * profiles that it claims and those that are named. Where it breaks R4 itself, nothing else is
 * looked at. Fails where there is no resource to look at: JSON that is none, a type that is none.
 */
export function assess(
  text: string,
  { conformance, profiles }: Assessed,
): Result<readonly Issue[]> {
  const found = resourceOf(text);
  if (!found.ok) return found;
  const { value, schema } = found.value;
  const broken = findingsOf(value, schema);
  if (broken.length > 0) return ok(broken.map((each) => ({ severity: "error", ...each })));
  const check = beginCheck(value, conformance);
  visitAll(check, (inner, item, parentType) => {
    checkClaims(inner, item, parentType);
    checkNarrative(inner, item);
    checkSense(inner, item);
    checkImplied(inner, item);
    if (isObject(item.value) && item.value.resourceType === "QuestionnaireResponse")
      checkResponse(inner, item.value, conformance);
  });
  for (const canonical of profiles)
    if (checkAgainst(check, canonical) === null)
      check.issues.push({
        severity: "error",
        at: String(value.resourceType),
        detail: "cannot be checked: a profile that was asked for is not installed",
      });
  return ok(check.issues);
}
