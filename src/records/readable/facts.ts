import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { elementLabel, wordsOf } from "#records/readable/labels.ts";
import { simple } from "#records/readable/values.ts";

export const factLimits = {
  /** Facts told of one resource; whoever wants all of them takes the FHIR copy. */
  facts: 2_000,
  /** Characters of a document's text that stand in the copy itself. */
  documentCharacters: 400_000,
} as const;

/** One thing that a resource says, and what it is called. */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** For programs alone: what stands in them is said elsewhere or says nothing to a person. */
const untold = new Set([
  "contained",
  "id",
  "implicitRules",
  "language",
  "meta",
  "resourceType",
  "text",
]);

const textTypes = /^text\/(?:plain|markdown)\b/i;

/** The text of an attachment that is text; null for any other. */
function textOf({ contentType, data }: JsonObject): string | null {
  if (typeof contentType !== "string" || typeof data !== "string") return null;
  if (!textTypes.test(contentType)) return null;
  const text = Buffer.from(data, "base64").toString("utf8");
  return text.length > factLimits.documentCharacters
    ? `${text.slice(0, factLimits.documentCharacters)}\n(The rest is in the FHIR copy.)`
    : text;
}

const isAttachment = (value: JsonObject): boolean =>
  "contentType" in value && ("data" in value || "url" in value);

function attachmentFacts(value: JsonObject, label: string): readonly Fact[] {
  const text = textOf(value);
  if (text !== null) return [{ label, value: text }];
  const { title, contentType, url } = value;
  const kind = typeof contentType === "string" ? contentType : "file";
  const name = typeof title === "string" ? `${title} (${kind})` : `A file (${kind})`;
  const where = typeof url === "string" ? `, ${url}` : ", in the FHIR copy";
  return [{ label, value: name + where }];
}

/** `http://hl7.org/.../us-core-race` → "Us core race". */
const extensionLabel = (url: unknown): string =>
  typeof url === "string" ? wordsOf(url.slice(url.lastIndexOf("/") + 1)) : "More";

function extensionFacts(value: unknown, path: readonly string[]): readonly Fact[] {
  return listOf(value).flatMap((extension): readonly Fact[] => {
    if (!isObject(extension)) return [];
    const { url, ...rest } = extension;
    const under = [...path, extensionLabel(url)];
    const [key] = Object.keys(rest).filter((name) => name.startsWith("value"));
    return key === undefined ? extensionFacts(rest["extension"], under) : factsIn(rest[key], under);
  });
}

function factsIn(value: unknown, path: readonly string[]): readonly Fact[] {
  if (Array.isArray(value)) return value.flatMap((item) => factsIn(item, path));
  const label = path.join(" › ");
  const said = simple(value);
  const more = isObject(value) ? extensionFacts(value["extension"], path) : [];
  if (said !== null) return [{ label, value: said }, ...more];
  if (!isObject(value)) return [];
  if (isAttachment(value)) return attachmentFacts(value, label);
  return elementFacts(value, path);
}

function elementFacts(value: JsonObject, path: readonly string[]): readonly Fact[] {
  return Object.entries(value).flatMap(([key, child]): readonly Fact[] => {
    if (key === "extension" || key === "modifierExtension") return extensionFacts(child, path);
    if (key.startsWith("_")) return extensionOnly(child, [...path, elementLabel(key.slice(1))]);
    return path.length === 0 && untold.has(key) ? [] : factsIn(child, [...path, elementLabel(key)]);
  });
}

/** What stands beside a primitive, such as why it is absent. */
function extensionOnly(value: unknown, path: readonly string[]): readonly Fact[] {
  if (Array.isArray(value)) return value.flatMap((each) => extensionOnly(each, path));
  return isObject(value) ? extensionFacts(value["extension"], path) : [];
}

/** Contained resources, each under what it is. */
function containedFacts(value: unknown): readonly Fact[] {
  return listOf(value).flatMap((each) => {
    if (!isObject(each) || typeof each["resourceType"] !== "string") return [];
    const within = wordsOf(each["resourceType"]);
    return elementFacts(each, []).map(({ label, value: said }) => ({
      label: `${within} › ${label}`,
      value: said,
    }));
  });
}

/** Everything that a resource says to a person, in the order in which it stands there. */
export function factsOf(resource: JsonObject): readonly Fact[] {
  const facts = [...elementFacts(resource, []), ...containedFacts(resource["contained"])];
  return facts.slice(0, factLimits.facts);
}
