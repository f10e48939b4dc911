import type { Resource } from "@medplum/fhirtypes";
import { boundsOf, monthOf, type Bounds } from "#records/fhir/dates.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { contactOf, contactPointOf, namedWords, soundsOf } from "#records/fhir/person-values.ts";
import { folded } from "#records/fhir/search-values.ts";
import type { BlindLabel } from "#vault/blind-index.ts";

/**
 * What a Patient is found by across all patients. A look-up may find too much, never too little:
 * what lies behind the first letters of a name is compared once the Patient is open.
 */
export const blindRules = 1;

const prefixCharacters = 3;
// A Han character says as much as a syllable: most family names have one.
const han = /^\p{Script=Han}/u;

/** The beginning by which a name is found; a shorter name is found by the whole of it. */
function nameStart(text: string): string {
  const written = folded(text);
  return Array.from(written)
    .slice(0, han.test(written) ? 1 : prefixCharacters)
    .join("");
}

/** The label under which every name that begins so is found; null when the beginning is too short. */
export function nameLabel(
  index: "family" | "given" | "name-text",
  start: string,
  isWhole: boolean,
): BlindLabel | null {
  const text = nameStart(start);
  const isLong = Array.from(text).length >= prefixCharacters || han.test(text);
  return text === "" || (!isLong && !isWhole) ? null : { index, text };
}

const texts = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? listOf(value) : [value]).filter((item) => typeof item === "string");

function nameLabels(name: unknown): readonly BlindLabel[] {
  if (!isObject(name)) return [];
  const made: BlindLabel[] = [];
  const add = (index: "family" | "given", value: unknown): void => {
    for (const text of texts(value)) {
      const label = nameLabel(index, text, true);
      if (label !== null) made.push(label);
    }
  };
  add("family", name.family);
  add("given", name.given);
  // Most texts begin as the family or given name does; only another beginning needs a row of its own.
  for (const text of texts(name.text)) {
    const label = nameLabel("name-text", text, true);
    if (label !== null && !made.some((known) => known.text === label.text)) made.push(label);
  }
  const sounds = namedWords(name).flatMap(soundsOf);
  return [...made, ...sounds.map((text): BlindLabel => ({ index: "phonetic", text }))];
}

/** Of an identifier with its system, and of its value alone; a null byte, which JSON texts of FHIR never hold, parts the two. */
export const identifierLabels = (system: string | null, value: string): readonly BlindLabel[] => [
  { index: "identifier", text: `${system ?? ""}\0${value}` },
  { index: "identifier-value", text: value },
];

function identifierLabelsOf(identifier: unknown): readonly BlindLabel[] {
  if (!isObject(identifier) || typeof identifier.value !== "string") return [];
  const { system } = identifier;
  return identifierLabels(
    typeof system === "string" && system !== "" ? system : null,
    identifier.value,
  );
}

export function contactLabel(text: string): BlindLabel | null {
  const contact = contactOf(text);
  return contact === null ? null : { index: contact.kind, text: contact.text };
}

function contactLabelOf(point: unknown): readonly BlindLabel[] {
  const contact = contactPointOf(point);
  return contact === null ? [] : [{ index: contact.kind, text: contact.text }];
}

/** A search over more days than this is not made by the index. */
const daysOfSearchMax = 400;
const dayMs = 86_400_000;

const dateLabel = (text: string): BlindLabel => ({ index: "birth-date", text });

/** The labels of every birth date, be it only a month or a year, that touches these bounds; null when too many. */
export function birthDateLabels({ from, to }: Bounds): readonly BlindLabel[] | null {
  if (!Number.isFinite(from) || !Number.isFinite(to)) return null;
  if ((to - from) / dayMs > daysOfSearchMax) return null;
  const found = new Set<string>();
  for (let at = Math.floor(from / dayMs) * dayMs; at <= to; at += dayMs) {
    const month = monthOf(at);
    found.add(new Date(at).toISOString().slice(0, -14));
    found.add(month);
    found.add(month.slice(0, -3));
  }
  return [...found].map(dateLabel);
}

function birthDateLabelsOf({ birthDate }: JsonObject): readonly BlindLabel[] {
  return typeof birthDate === "string" && boundsOf(birthDate) !== null
    ? [dateLabel(birthDate)]
    : [];
}

/** All that this Patient is found by, each once; nothing for other types. They hold PHI: never store or log them. */
export function blindLabels(value: Resource): readonly BlindLabel[] {
  if (!isObject(value) || value.resourceType !== "Patient") return [];
  const all: readonly BlindLabel[] = [
    ...listOf(value.identifier).flatMap(identifierLabelsOf),
    ...listOf(value.name).flatMap(nameLabels),
    ...birthDateLabelsOf(value),
    ...listOf(value.telecom).flatMap(contactLabelOf),
  ];
  return [...new Map(all.map((label) => [`${label.index}\0${label.text}`, label])).values()];
}
