import type { Resource } from "@medplum/fhirtypes";
import { purposes } from "#core/audit-entry.ts";
import { forbidAll, type Provision, type Wanted } from "#records/consent/provision.ts";
import { securityLabel } from "#records/fhir/categories.ts";
import { boundsOf, type Bounds } from "#records/fhir/dates.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { parseReference } from "#records/fhir/references.ts";
import { actCode } from "#records/fhir/sensitivities.ts";

export const consentLimits = {
  /** How deep exceptions may be nested. */
  depth: 8,
  /** Values that all conditions of one Consent may name together. */
  values: 500,
} as const;

const systems = {
  scope: "http://terminology.hl7.org/CodeSystem/consentscope",
  action: "http://terminology.hl7.org/CodeSystem/consentaction",
  purpose: "http://terminology.hl7.org/CodeSystem/v3-ActReason",
  type: "http://hl7.org/fhir/resource-types",
  policy: actCode,
} as const;

/** Consents to be treated, to take part in research, or about treatment wished for: not about who may look. */
const otherScopes: ReadonlySet<string> = new Set(["adr", "research", "treatment"]);
const knownActions: ReadonlySet<string> = new Set([
  "collect",
  "access",
  "use",
  "disclose",
  "correct",
]);
// No purpose of ours, but what opening a chart in an emergency (BTG) is a kind of.
const knownPurposes: ReadonlySet<string> = new Set([...purposes, "ETREAT"]);

function codesIn(concept: unknown, system: string): readonly string[] {
  return listOf(isObject(concept) ? concept.coding : undefined).flatMap((coding) =>
    isObject(coding) && coding.system === system && typeof coding.code === "string"
      ? [coding.code]
      : [],
  );
}

/** A condition out of the items that an element holds; `known` gives null for one that is not known. */
function wanted(items: unknown, known: (item: JsonObject) => string | null): Wanted | null {
  const list = listOf(items);
  if (list.length === 0) return null;
  const values = list.map((item) => (isObject(item) ? known(item) : null));
  return { known: values.filter((value) => value !== null), unclear: values.includes(null) };
}

const codeOf = (codes: ReadonlySet<string>, system: string) => (coding: JsonObject) => {
  const { code } = coding;
  return coding.system === system && typeof code === "string" && codes.has(code) ? code : null;
};

function actionOf(concept: JsonObject): string | null {
  const [code, more] = codesIn(concept, systems.action);
  return code !== undefined && more === undefined && knownActions.has(code) ? code : null;
}

function typeOf({ system, code }: JsonObject): string | null {
  return system === systems.type && typeof code === "string" ? code : null;
}

function actorOf({ reference }: JsonObject, patient: string): string | null {
  const text = isObject(reference) ? reference.reference : undefined;
  const literal = typeof text === "string" ? parseReference(text) : null;
  if (literal === null) return null;
  switch (literal.type as string) {
    case "Practitioner":
      return `Practitioner/${literal.id}`;
    case "RelatedPerson":
      return "representative";
    case "Patient":
      return literal.id === patient ? "patient" : null;
    default:
      return null;
  }
}

function periodOf(period: unknown): Bounds | null {
  if (!isObject(period)) return null;
  const { start, end } = period;
  const from = typeof start === "string" ? boundsOf(start)?.from : undefined;
  const to = typeof end === "string" ? boundsOf(end)?.to : undefined;
  // JSON has no infinity.
  const { MIN_SAFE_INTEGER: ever, MAX_SAFE_INTEGER: never } = Number;
  return { from: from ?? ever, to: to ?? never };
}

/** Elements that set a condition which is not evaluated. */
const notEvaluated = ["code", "data", "dataPeriod", "modifierExtension"] as const;

function provisionOf(value: JsonObject, patient: string, above: Provision | null): Provision {
  const { type } = value;
  // R4 asks for a type wherever it is an exception; one without is taken for the stricter.
  const effect = type === "permit" || (type === undefined && above === null) ? "permit" : "deny";
  const read: Provision = {
    effect,
    period: periodOf(value.period),
    actors: wanted(value.actor, (actor) => actorOf(actor, patient)),
    actions: wanted(value.action, actionOf),
    purposes: wanted(value.purpose, codeOf(knownPurposes, systems.purpose)),
    types: wanted(value.class, typeOf),
    labels: wanted(value.securityLabel, securityLabel),
    unclear: notEvaluated.some((key) => value[key] !== undefined),
    exceptions: [],
  };
  const exceptions = listOf(value.provision).map((inner) =>
    isObject(inner) ? provisionOf(inner, patient, read) : forbidAll,
  );
  return { ...read, exceptions };
}

/** Whether it is more than is evaluated for each request. */
function isTooLarge(value: JsonObject, depth = 1, count = { values: 0 }): boolean {
  for (const key of ["actor", "action", "purpose", "class", "securityLabel", "provision"])
    count.values += listOf(value[key]).length;
  if (depth > consentLimits.depth || count.values > consentLimits.values) return true;
  return listOf(value.provision).some(
    (inner) => isObject(inner) && isTooLarge(inner, depth + 1, count),
  );
}

/** Whether anything is forbidden to anyone, ever. */
function mayForbid({ effect, exceptions }: Provision): boolean {
  return effect === "deny" || exceptions.some(mayForbid);
}

function withoutProvision(value: JsonObject): Provision | null {
  const codes = codesIn(value.policyRule, systems.policy);
  return codes.length === 1 && codes[0] === "OPTIN" ? null : forbidAll;
}

function isAboutAccess(value: JsonObject): boolean {
  const scopes = codesIn(value.scope, systems.scope);
  return scopes.length === 0 || scopes.some((code) => !otherScopes.has(code));
}

/**
 * What a Consent forbids; null when nothing, as it is not active, is no consent about who may look,
 * or permits all. It never grants what policy does not. One that is about access and cannot be
 * understood forbids everything.
 */
export function readConsent(resource: Resource): Provision | null {
  if (resource.resourceType !== "Consent" || !isObject(resource)) return null;
  const value: JsonObject = resource;
  if (value.status !== "active" || !isAboutAccess(value)) return null;
  if (value.modifierExtension !== undefined) return forbidAll;
  const { provision, patient } = value;
  if (provision === undefined) return withoutProvision(value);
  const literal =
    isObject(patient) && typeof patient.reference === "string"
      ? parseReference(patient.reference)
      : null;
  if (!isObject(provision) || isTooLarge(provision)) return forbidAll;
  const read = provisionOf(provision, literal?.id ?? "", null);
  return mayForbid(read) ? read : null;
}
