import type { Resource } from "@medplum/fhirtypes";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { actCode, restrictedLabel, sensitivities } from "#records/fhir/sensitivities.ts";

const observationCategories = "http://terminology.hl7.org/CodeSystem/observation-category";

// Only R4's own codes: any other text in their place could say anything, and the log holds no PHI.
const observationKinds = new Set([
  "activity",
  "exam",
  "imaging",
  "laboratory",
  "procedure",
  "social-history",
  "survey",
  "therapy",
  "vital-signs",
]);

function* codingsOf(value: unknown): Generator<JsonObject> {
  for (const coding of isObject(value) ? listOf(value.coding) : [])
    if (isObject(coding)) yield coding;
}

/** `Observation:laboratory`. */
function kindsOfObservation(value: JsonObject): readonly string[] {
  return listOf(value.category).flatMap((concept) =>
    [...codingsOf(concept)].flatMap(({ system, code }) =>
      system === observationCategories && typeof code === "string" && observationKinds.has(code)
        ? [`Observation:${code}`]
        : [],
    ),
  );
}

/**
 * The kinds of data that a resource is, as the log and a breach count them: its type, where told
 * its category, and its sensitivity labels; sorted.
 */
export function categoriesOf(value: Resource): readonly string[] {
  const kinds =
    value.resourceType === "Observation" && isObject(value) ? kindsOfObservation(value) : [];
  return [...new Set([value.resourceType, ...kinds, ...labelsOf(value)])].sort();
}

const confidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

// A type and not an interface: it is passed where JSON is.
type LabelCoding = Readonly<Record<"system" | "code", string>>;

const bySecurityCode: ReadonlyMap<string, string> = new Map(
  sensitivities.flatMap(({ label, securityCodes }) =>
    securityCodes.map((code): [string, string] => [`${actCode}|${code}`, label]),
  ),
);
const byCode: ReadonlyMap<string, string> = new Map(
  sensitivities.flatMap(({ label, codes }) =>
    codes.flatMap(({ system, values }) =>
      values.map(([code]): [string, string] => [`${system}|${code}`, label]),
    ),
  ),
);
const byCodeStart: readonly {
  readonly system: string;
  readonly start: string;
  readonly label: string;
}[] = sensitivities.flatMap(({ label, prefixes }) =>
  prefixes.flatMap(({ system, values }) => values.map((start) => ({ system, start, label }))),
);
const startSystems: ReadonlySet<string> = new Set(byCodeStart.map(({ system }) => system));

function labelOfCoding({ system, code }: JsonObject): string | null {
  if (typeof system !== "string" || typeof code !== "string") return null;
  const exact = byCode.get(`${system}|${code}`);
  if (exact !== undefined || !startSystems.has(system)) return exact ?? null;
  const found = byCodeStart.find((rule) => rule.system === system && code.startsWith(rule.start));
  return found?.label ?? null;
}

/** The sensitivity that a security label (HL7 v3 Confidentiality or ActCode) states; null for any other. */
export function securityLabel({ system, code }: JsonObject): string | null {
  if (system === confidentiality && (code === "R" || code === "V")) return restrictedLabel;
  return bySecurityCode.get(`${String(system)}|${String(code)}`) ?? null;
}

/** The security label (HL7 v3) that states a sensitivity, by its label. */
export const labelCodings: ReadonlyMap<string, LabelCoding> = new Map([
  [restrictedLabel, { system: confidentiality, code: "R" }],
  ...sensitivities.flatMap(({ label, securityCodes: [code] }): [string, LabelCoding][] =>
    code === undefined ? [] : [[label, { system: actCode, code }]],
  ),
]);

/** The security label (HL7 v3) that states a sensitivity; what nobody has a code for is restricted. */
export function securityCodingOf(label: string): LabelCoding {
  return labelCodings.get(label) ?? { system: confidentiality, code: "R" };
}

/** Every Coding at any depth: what a resource tells may stand in its code, category, reason or type. */
function collectLabels(value: unknown, into: Set<string>): void {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    for (const item of items) collectLabels(item, into);
    return;
  }
  if (!isObject(value)) return;
  if ("code" in value && "system" in value) {
    const label = labelOfCoding(value);
    if (label !== null) into.add(label);
  }
  for (const key in value) if (typeof value[key] === "object") collectLabels(value[key], into);
}

/**
 * The sensitivity labels of a resource, sorted: those that its meta.security states, and those that
 * its codes imply by the table in sensitivities.ts. Policy decides what each asks for.
 */
export function labelsOf(value: Resource): readonly string[] {
  const labels = new Set<string>();
  const { meta } = value;
  for (const coding of meta?.security ?? [])
    if (isObject(coding)) {
      const label = securityLabel(coding);
      if (label !== null) labels.add(label);
    }
  collectLabels(value, labels);
  return [...labels].sort();
}
