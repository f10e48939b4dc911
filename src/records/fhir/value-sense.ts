import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import type { Item } from "#records/fhir/profiles/items.ts";
import { fault, say, type Check } from "#records/fhir/profiles/walk.ts";

/**
 * What R4 says in words and no rule of its definitions: addresses that are absolute, sizes that are
 * true, codes that their system has. Only `$validate` looks for it.
 */

const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const uuidUrn = /^urn:uuid:/;
const rightUuid = /^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** R4 §2.24.0.1: a urn:uuid is one, in small letters, wherever it stands. */
function uriSense(check: Check, value: unknown): void {
  if (typeof value === "string" && uuidUrn.test(value) && !rightUuid.test(value))
    fault(check, "is a urn:uuid that is none, or not in small letters");
}

/** R4 §2.24.0.5: a Coding's system is an absolute address, and has the code. */
function codingSense(check: Check, { system, code }: JsonObject): void {
  if (typeof system !== "string") return;
  if (!absolute.test(system)) {
    fault(check, "has a system that is not an absolute address");
    return;
  }
  if (/^https?:\/\/hl7\.org\/fhir\/ValueSet\//.test(system))
    fault(check, "names a value set where a code system belongs");
  if (check.terminology.isSupplement(system))
    fault(check, "names a supplement where a code system belongs");
  const list = check.terminology.codeSystem(system);
  if (list !== null && typeof code === "string" && !list.has(code))
    fault(check, "has a code that its system does not have");
}

/** R4 §2.24.0.8: size is that of the data before it became base64. */
function attachmentSense(check: Check, { data, size }: JsonObject): void {
  if (typeof data !== "string" || typeof size !== "number") return;
  if (Buffer.byteLength(data.replaceAll(/\s+/g, ""), "base64") !== size)
    fault(check, "has a size that is not that of its data");
}

/** R4 §2.3.0.1: a literal reference is an address, and an address holds no white space. */
function referenceSense(check: Check, { reference }: JsonObject): void {
  if (typeof reference === "string" && /\s/.test(reference))
    fault(check, "has a reference that is no address");
}

/** R4 §5.1.14: canonical urls are absolute; in a ValueSet, the systems that it includes, too. */
function canonicalSense(check: Check, resource: JsonObject): void {
  const { url, compose, resourceType } = resource;
  if (typeof url === "string" && definitions.has(resourceType) && !absolute.test(url))
    fault(check, "has a canonical url that is not absolute");
  const included = isObject(compose)
    ? [...listOf(compose.include), ...listOf(compose.exclude)]
    : [];
  if (resourceType !== "ValueSet") return;
  for (const part of included)
    if (isObject(part) && typeof part.system === "string" && !absolute.test(part.system))
      fault(check, "includes a system by an address that is not absolute");
}

const definitions = new Set<unknown>([
  "CodeSystem",
  "ValueSet",
  "StructureDefinition",
  "Questionnaire",
  "ConceptMap",
  "SearchParameter",
]);

/** R4 §2.36.3: relations of a Bundle's links stand once, fullUrls are absolute, matches have ids. */
function bundleSense(check: Check, { type, link, entry }: JsonObject): void {
  const relations = listOf(link).map((each) => (isObject(each) ? each.relation : null));
  if (new Set(relations).size < relations.length) fault(check, "has a link of one relation twice");
  for (const [index, each] of listOf(entry).entries()) {
    if (!isObject(each)) continue;
    check.path.push("entry", index);
    if (typeof each.fullUrl === "string" && !absolute.test(each.fullUrl))
      fault(check, "has a fullUrl that is not absolute");
    if (type === "searchset") resultSense(check, each);
    check.path.length -= 2;
  }
}

function resultSense(check: Check, { resource, search }: JsonObject): void {
  if (!isObject(resource)) return;
  const mode = isObject(search) ? search.mode : undefined;
  const isOutcome = resource.resourceType === "OperationOutcome";
  if (mode === "outcome" && !isOutcome)
    fault(check, "is no OperationOutcome, as its mode says it is");
  if (mode !== "outcome" && !isOutcome && resource.id === undefined)
    fault(check, "is a result of a search without an id");
}

const vitalSigns = "http://hl7.org/fhir/StructureDefinition/";

/** R4 §10.1.3.1: these codes of LOINC make an Observation a vital sign, which follows its profile. */
const byMagicCode: ReadonlyMap<unknown, string> = new Map([
  ["85353-1", "vitalspanel"],
  ["9279-1", "resprate"],
  ["8867-4", "heartrate"],
  ["2708-6", "oxygensat"],
  ["8310-5", "bodytemp"],
  ["8302-2", "bodyheight"],
  ["9843-4", "headcircum"],
  ["29463-7", "bodyweight"],
  ["39156-5", "bmi"],
  ["85354-9", "bp"],
]);

/** The profile that an Observation must follow, unsaid; null for any other. */
export function impliedProfile(resource: JsonObject): string | null {
  if (resource.resourceType !== "Observation" || !isObject(resource.code)) return null;
  for (const coding of listOf(resource.code.coding)) {
    const known =
      isObject(coding) && coding.system === "http://loinc.org"
        ? byMagicCode.get(coding.code)
        : undefined;
    if (known !== undefined) return vitalSigns + known;
  }
  return null;
}

/** Notes what makes no sense in a value of a resource. */
export function checkSense(check: Check, { value, type }: Item): void {
  if (type === "uri" || type === "url" || type === "canonical") uriSense(check, value);
  if (!isObject(value)) return;
  if (type === "Coding") codingSense(check, value);
  if (type === "Attachment") attachmentSense(check, value);
  if (type === "Reference") referenceSense(check, value);
  if (type === "Bundle") bundleSense(check, value);
  if (typeof value.resourceType === "string") canonicalSense(check, value);
  if (type === "Extension" && typeof value.url === "string" && isUnknown(check, value.url))
    say(check, "warning", "is an extension whose definition is not installed");
}

const isUnknown = (check: Check, url: string): boolean =>
  absolute.test(url) && check.profiles.find(url) === null;
