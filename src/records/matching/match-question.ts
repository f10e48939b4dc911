import type { Patient } from "@medplum/fhirtypes";
import { parseResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { parseResource } from "#records/fhir/parse.ts";

export const matchLimits = {
  /** Matches in one answer, and how many when the caller does not say. */
  count: 100,
  countDefault: 20,
  /** Patients opened and compared for one question. */
  candidates: 1_000,
} as const;

/** What R4's Patient-match is asked. */
export interface MatchQuestion {
  readonly patient: Patient;
  readonly onlyCertain: boolean;
  readonly count: number;
}

const names = ["resource", "onlyCertainMatches", "count"] as const;
type Name = (typeof names)[number];

function parametersOf(body: JsonObject): Result<ReadonlyMap<Name, JsonObject>> {
  const found = new Map<Name, JsonObject>();
  for (const [place, parameter] of listOf(body.parameter).entries()) {
    const at = `Parameters.parameter[${place}]`;
    const name = isObject(parameter) ? names.find((known) => known === parameter.name) : undefined;
    if (!isObject(parameter) || name === undefined)
      return refuse("parameter-unknown", { at, detail: `is none of ${names.join(", ")}` });
    if (found.has(name)) return refuse("parameter-invalid", { at, detail: "is given twice" });
    found.set(name, parameter);
  }
  return ok(found);
}

function countOf(parameter: JsonObject | undefined): Result<number> {
  if (parameter === undefined) return ok(matchLimits.countDefault);
  const { valueInteger: count } = parameter;
  return typeof count === "number" && Number.isInteger(count) && count > 0
    ? ok(Math.min(count, matchLimits.count))
    : refuse("parameter-invalid", { at: "count", detail: "is a valueInteger above 0" });
}

function onlyCertainOf(parameter: JsonObject | undefined): Result<boolean> {
  if (parameter === undefined) return ok(false);
  const { valueBoolean } = parameter;
  return typeof valueBoolean === "boolean"
    ? ok(valueBoolean)
    : refuse("parameter-invalid", { at: "onlyCertainMatches", detail: "is a valueBoolean" });
}

function patientOf(resource: unknown): Result<Patient> {
  const type = parseResourceType("Patient");
  if (!isObject(resource) || type === null)
    return refuse("resource-invalid", { at: "resource", detail: "is required" });
  const parsed = parseResource(JSON.stringify(resource), { type });
  if (!parsed.ok) return parsed;
  return parsed.value.value.resourceType === "Patient"
    ? ok(parsed.value.value)
    : refuse("resource-type-mismatch", { at: "resource" });
}

/**
 * Reads the Parameters of a Patient/$match; a Patient alone stands for them. Fails as the resource
 * does, as "json-broken", or as "parameter-unknown" or "parameter-invalid", naming the parameter.
 */
export function parseMatchQuestion(text: string): Result<MatchQuestion> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refuse("json-broken");
  }
  if (isObject(body) && body.resourceType === "Patient")
    body = { resourceType: "Parameters", parameter: [{ name: "resource", resource: body }] };
  if (!isObject(body) || body.resourceType !== "Parameters")
    return refuse("resource-type-mismatch", { at: "Parameters", detail: "is what this takes" });
  const parameters = parametersOf(body);
  if (!parameters.ok) return parameters;
  const count = countOf(parameters.value.get("count"));
  if (!count.ok) return count;
  const onlyCertain = onlyCertainOf(parameters.value.get("onlyCertainMatches"));
  if (!onlyCertain.ok) return onlyCertain;
  const patient = patientOf(parameters.value.get("resource")?.resource);
  if (!patient.ok) return patient;
  return ok({ patient: patient.value, onlyCertain: onlyCertain.value, count: count.value });
}
