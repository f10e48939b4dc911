import { operationOutcome, problem, refuse, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { ResourceType } from "#core/ids.ts";
import type { DeedsDeps } from "#records/deeds.ts";
import { refused, type Interaction } from "#records/door.ts";
import { assess } from "#records/fhir/assess.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { itemsOfArray, topLevelText } from "#records/fhir/json-text.ts";
import type { Issue } from "#records/fhir/profiles/walk.ts";
import { fhirAnswer } from "#records/http.ts";
import type { Operation } from "#records/operations/operation.ts";
import type { Asked } from "#records/server.ts";
import { touch } from "#records/visit.ts";
import { readJsonText } from "#records/write-body.ts";

/** What `$validate` was asked. */
interface Validation {
  /** The resource, as it stands in the request. */
  readonly text: string;
  readonly profiles: readonly string[];
}

const modes = new Set(["create", "update", "profile"]);
const maxProfiles = 10;

function parsedObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

interface Stated {
  readonly mode: string | null;
  readonly profiles: readonly string[];
  readonly text: string;
}

/** The parts of a Parameters resource; the resource in it keeps its text to the character. */
function ofParameters(body: JsonObject, text: string): Result<Stated> {
  const texts = itemsOfArray(topLevelText(text, "parameter") ?? "[]");
  let mode: string | null = null;
  const profiles: string[] = [];
  let resource: string | null = null;
  for (const [place, each] of listOf(body.parameter).entries()) {
    const at = `Parameters.parameter[${place}]`;
    if (!isObject(each)) return refuse("resource-invalid", { at, detail: "must be an object" });
    const value = each.valueCanonical ?? each.valueUri ?? each.valueCode ?? each.valueString;
    if (each.name === "resource") resource = topLevelText(texts[place] ?? "{}", "resource");
    else if (each.name === "mode" && typeof value === "string") mode = value;
    else if (each.name === "profile" && typeof value === "string") profiles.push(value);
    else return refuse("parameter-unknown", { at });
  }
  return resource === null
    ? refuse("resource-invalid", { at: "Parameters.parameter", detail: "needs a resource" })
    : ok({ mode, profiles, text: resource });
}

/** R4's Resource-validate: a resource, or Parameters that hold it; mode and profile in either place. */
function understand(text: string, query: URLSearchParams): Result<Validation> {
  const body = parsedObject(text);
  const isWrapped =
    body?.resourceType === "Parameters" &&
    listOf(body.parameter).some((each) => isObject(each) && each.name === "resource");
  const stated: Result<Stated> = isWrapped
    ? ofParameters(body, text)
    : ok({ mode: null, profiles: [], text });
  if (!stated.ok) return stated;
  const mode = query.get("mode") ?? stated.value.mode;
  if (mode !== null && !modes.has(mode))
    return refuse("parameter-invalid", { at: "mode", detail: "is create, update or profile" });
  const profiles = [...query.getAll("profile"), ...stated.value.profiles];
  if (profiles.length > maxProfiles)
    return refuse("parameter-invalid", { at: "profile", detail: `at most ${maxProfiles}` });
  return ok({ text: stated.value.text, profiles });
}

interface Told {
  readonly resourceType: "OperationOutcome";
  readonly issue: readonly object[];
}

function outcomeOf(issues: readonly Issue[]): Told {
  if (issues.length === 0)
    return {
      resourceType: "OperationOutcome",
      issue: [{ severity: "information", code: "informational", details: { text: "No issues." } }],
    };
  return {
    resourceType: "OperationOutcome",
    issue: issues.map(({ severity, at, detail }) => ({
      severity,
      code: severity === "error" ? "invariant" : "informational",
      diagnostics: detail,
      expression: [at],
    })),
  };
}

/** What keeps the text from being a resource of this type is an outcome, too. */
function judged(
  { text, profiles }: Validation,
  type: ResourceType | null,
  { conformance }: Pick<DeedsDeps, "conformance">,
): Told {
  const stated = parsedObject(text)?.resourceType;
  const found: Problem | null =
    type !== null && typeof stated === "string" && stated !== type
      ? problem("resource-type-mismatch", { at: "resourceType" })
      : null;
  if (found !== null) return operationOutcome(found);
  const issues = assess(text, { conformance: conformance(), profiles });
  return issues.ok ? outcomeOf(issues.value) : operationOutcome(issues.problem);
}

/**
 * Judges what the caller sent, and opens nothing: whoever may speak to the server may ask. The log
 * tells that it was asked.
 */
function validateSent(
  deps: DeedsDeps,
  { request, query }: Asked,
  type: ResourceType | null,
): Interaction {
  return async () => {
    const about = touch({ action: "read", compartment: null, type });
    const text = await readJsonText(request);
    if (!text.ok) return refused(text.problem, about);
    const validation = understand(text.value, query);
    if (!validation.ok) return refused(validation.problem, about);
    const told = judged(validation.value, type, deps);
    return { kind: "shown", touches: [about], answer: fhirAnswer(200, JSON.stringify(told)) };
  };
}

/** `$validate` (R4 §3.2, Resource-validate): 200 with an OperationOutcome, whatever it finds. */
export const validate: Operation = {
  name: "validate",
  definition: "http://hl7.org/fhir/OperationDefinition/Resource-validate",
  levels: ["system", "type", "instance"],
  types: null,
  deed: (deps, asked, { type }) =>
    asked.method === "POST"
      ? { kind: "guarded", action: "read", interaction: validateSent(deps, asked, type) }
      : null,
};
