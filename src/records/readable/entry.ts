import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { factsOf, type Fact } from "#records/readable/facts.ts";
import { typeLabel } from "#records/readable/labels.ts";
import { readExactly, simple } from "#records/readable/values.ts";

/** One resource as a person reads it. */
export interface ReadableEntry {
  /** What all entries of its kind stand under. */
  readonly section: string;
  readonly title: string;
  readonly when: string | null;
  readonly facts: readonly Fact[];
  /** XHTML as it was sent: whoever shows it must clean it first. Null when there is none. */
  readonly narrative: string | null;
}

const titleElements = [
  "name",
  "code",
  "vaccineCode",
  "medicationCodeableConcept",
  "medicationReference",
  "type",
  "description",
  "category",
  "class",
  "title",
  "relationship",
] as const;

const dateElements = [
  "effectiveDateTime",
  "effectiveInstant",
  "effectivePeriod",
  "performedDateTime",
  "performedPeriod",
  "occurrenceDateTime",
  "onsetDateTime",
  "onsetPeriod",
  "period",
  "started",
  "authoredOn",
  "recordedDate",
  "date",
  "dateTime",
  "created",
  "issued",
  "sent",
  "recorded",
  "billablePeriod",
] as const;

function firstOf(resource: JsonObject, names: readonly string[]): string | null {
  for (const name of names) {
    const value = resource[name];
    const found = simple(Array.isArray(value) ? listOf(value)[0] : value);
    if (found !== null) return found;
  }
  return null;
}

/** Reads one stored resource; its text is JSON, as everything stored is. */
export function readableOf(text: string): ReadableEntry {
  const value = readExactly(text);
  const resource = isObject(value) ? value : {};
  const type = typeof resource["resourceType"] === "string" ? resource["resourceType"] : "";
  const narrative = isObject(resource["text"]) ? resource["text"]["div"] : null;
  return {
    section: typeLabel(type),
    title: firstOf(resource, titleElements) ?? typeLabel(type),
    when: firstOf(resource, dateElements),
    facts: factsOf(resource),
    narrative: typeof narrative === "string" ? narrative : null,
  };
}
