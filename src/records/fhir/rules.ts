import { boundsOf } from "#records/fhir/dates.ts";
import type { Rule } from "#records/fhir/rule.ts";
import { rulesOfForms } from "#records/fhir/rules-of-forms.ts";
import { has, hasChoice, isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";

function metaOf(contained: unknown): JsonObject {
  const meta = isObject(contained) ? contained.meta : undefined;
  return isObject(meta) ? meta : {};
}

function inOrder(value: JsonObject): boolean {
  const start = typeof value.start === "string" ? boundsOf(value.start) : null;
  const end = typeof value.end === "string" ? boundsOf(value.end) : null;
  return start === null || end === null || start.from <= end.to;
}

function hasCoding(concept: unknown, system: string, codes: readonly string[]): boolean {
  const codings = isObject(concept) ? listOf(concept.coding) : [];
  return codings.some(
    (coding) =>
      isObject(coding) && coding.system === system && codes.some((code) => code === coding.code),
  );
}

const verification = "http://terminology.hl7.org/CodeSystem/";

function pointsToContained(value: JsonObject, container: JsonObject): boolean {
  const { reference } = value;
  // "#" alone stands for the container itself.
  if (typeof reference !== "string" || !reference.startsWith("#") || reference === "#") return true;
  return containedIds(container).has(reference.slice(1));
}

// Found once a resource: thousands of references may point into thousands of contained resources.
const idsByContainer = new WeakMap<JsonObject, ReadonlySet<unknown>>();

function containedIds(container: JsonObject): ReadonlySet<unknown> {
  const known = idsByContainer.get(container);
  if (known !== undefined) return known;
  const inner = listOf(container.contained);
  const ids = new Set(inner.flatMap((each) => (isObject(each) ? [each.id] : [])));
  idsByContainer.set(container, ids);
  return ids;
}

function codingKeys(concept: unknown): readonly string[] {
  return (isObject(concept) ? listOf(concept.coding) : []).map((coding) => JSON.stringify(coding));
}

// obs-7: no component says again what the observation itself says.
function componentsDiffer(value: JsonObject): boolean {
  if (!hasChoice(value, "value")) return true;
  const own = new Set(codingKeys(value.code));
  return !listOf(value.component).some(
    (component) => isObject(component) && codingKeys(component.code).some((key) => own.has(key)),
  );
}

function comparableInOrder(low: unknown, high: unknown): boolean {
  if (!isObject(low) || !isObject(high)) return true;
  if (typeof low.value !== "number" || typeof high.value !== "number") return true;
  return low.code !== high.code || low.unit !== high.unit || low.value <= high.value;
}

const requestTypes = new Set<unknown>(["batch", "transaction", "history"]);
const responseTypes = new Set<unknown>(["batch-response", "transaction-response", "history"]);

function entriesHave(key: "request" | "response", types: ReadonlySet<unknown>): Rule {
  return (value) =>
    listOf(value.entry).every((entry) => isObject(entry) && key in entry === types.has(value.type));
}

// bdl-7: the same resource stands once in a bundle, or in versions that differ.
function entriesDistinct(value: JsonObject): boolean {
  if (value.type === "history") return true;
  const keys = listOf(value.entry).flatMap((entry) => {
    if (!isObject(entry) || typeof entry.fullUrl !== "string") return [];
    return [`${entry.fullUrl} ${String(metaOf(entry.resource).versionId)}`];
  });
  return new Set(keys).size === keys.length;
}

/** Every text under `key` in a tree whose branches stand under `branch`. */
function* textsInTree(value: JsonObject, branch: string, key: string): Generator {
  for (const child of listOf(value[branch])) {
    if (!isObject(child)) continue;
    if (key in child) yield child[key];
    yield* textsInTree(child, branch, key);
  }
}

function areDistinct(values: Iterable<unknown>): boolean {
  const all = [...values];
  return new Set(all).size === all.length;
}

/**
 * Rules of R4 (by the key of the StructureDefinition's constraint) that nearly every resource asks,
 * written out: FHIRPath takes a hundred times as long, and longer by the square on rules that compare
 * all of a tree. The others are evaluated as FHIRPath.
 */
export const rules: Readonly<Record<string, Rule>> = {
  ...rulesOfForms,
  "ait-1": (value) =>
    has(value, "clinicalStatus") || isEnteredInError(value, "allergyintolerance-verification"),
  "ait-2": (value) =>
    !has(value, "clinicalStatus") || !isEnteredInError(value, "allergyintolerance-verification"),
  "att-1": (value) => !has(value, "data") || has(value, "contentType"),
  "bdl-1": (value) =>
    !has(value, "total") || value.type === "searchset" || value.type === "history",
  "bdl-2": (value) =>
    value.type === "searchset" ||
    listOf(value.entry).every((entry) => isObject(entry) && !("search" in entry)),
  "bdl-3": entriesHave("request", requestTypes),
  "bdl-4": entriesHave("response", responseTypes),
  "bdl-7": entriesDistinct,
  "con-4": (value) =>
    !hasChoice(value, "abatement") ||
    hasCoding(value.clinicalStatus, `${verification}condition-clinical`, [
      "resolved",
      "remission",
      "inactive",
    ]),
  "con-5": (value) =>
    !has(value, "clinicalStatus") || !isEnteredInError(value, "condition-ver-status"),
  "cpt-2": (value) => !has(value, "value") || has(value, "system"),
  "csd-1": (value) => areDistinct(textsInTree(value, "concept", "code")),
  "dom-2": (value) =>
    listOf(value.contained).every((inner) => !isObject(inner) || !("contained" in inner)),
  "dom-4": (value) =>
    listOf(value.contained).every(
      (inner) => !("versionId" in metaOf(inner)) && !("lastUpdated" in metaOf(inner)),
    ),
  "dom-5": (value) => listOf(value.contained).every((inner) => !("security" in metaOf(inner))),
  "obs-3": (value) => has(value, "low") || has(value, "high") || has(value, "text"),
  "obs-6": (value) => !has(value, "dataAbsentReason") || !hasChoice(value, "value"),
  "obs-7": componentsDiffer,
  "per-1": inOrder,
  "qty-3": (value) => !has(value, "code") || has(value, "system"),
  "que-2": (value) => areDistinct(textsInTree(value, "item", "linkId")),
  "rat-1": (value) =>
    has(value, "numerator") === has(value, "denominator") &&
    (has(value, "numerator") || has(value, "extension")),
  "ref-1": (value, { container }) => pointsToContained(value, container),
  "rng-2": (value) => comparableInOrder(value.low, value.high),
};

function isEnteredInError(value: JsonObject, system: string): boolean {
  return hasCoding(value.verificationStatus, verification + system, ["entered-in-error"]);
}
