import type { Resource } from "@medplum/fhirtypes";
import { blindLabels } from "#records/fhir/blind-labels.ts";
import { boundsOf } from "#records/fhir/dates.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import { soundsOf, wordsOf } from "#records/fhir/person-values.ts";
import type { BlindIndexName, BlindLabel } from "#vault/blind-index.ts";

/** One way to look for a person: someone who has one label of each group. */
export type Pass = readonly (readonly BlindLabel[])[];

const dayText = /^\d{4}-\d\d-\d\d$/;
const firstYear = 1900;
const lastYear = 2099;

function isDay(text: string): boolean {
  const year = Number(text.slice(0, 4));
  return year >= firstYear && year <= lastYear && boundsOf(text) !== null;
}

/** The birth dates that one wrong digit, or day and month exchanged, make of a day; itself first. */
export function birthDatesNear(birthDate: string): readonly string[] {
  if (!dayText.test(birthDate)) return [birthDate];
  const found = new Set([birthDate, birthDate.slice(0, 7), birthDate.slice(0, 4)]);
  const [year = "", month = "", day = ""] = birthDate.split("-");
  const turned = `${year}-${day}-${month}`;
  if (isDay(turned)) found.add(turned);
  for (let at = 0; at < birthDate.length; at += 1) {
    if (birthDate[at] === "-") continue;
    for (let digit = 0; digit <= 9; digit += 1) {
      const text = `${birthDate.slice(0, at)}${digit}${birthDate.slice(at + 1)}`;
      if (isDay(text)) found.add(text);
    }
  }
  return [...found];
}

const contacts: ReadonlySet<BlindIndexName> = new Set(["identifier-value", "phone", "address"]);
const names: ReadonlySet<BlindIndexName> = new Set(["family", "given", "name-text", "phonetic"]);

function soundLabels(text: unknown): readonly BlindLabel[] {
  if (typeof text !== "string") return [];
  return wordsOf(text)
    .flatMap(soundsOf)
    .map((sound) => ({ index: "phonetic", text: sound }));
}

/**
 * The ways in which one who may be the same person as this Patient is looked for: a shared number or
 * address to be reached at; a birth date, be it mistyped, with any name; family and given name by
 * their sound. Who agrees in none of them is not found, whatever else agrees.
 */
export function passesFor(value: Resource): readonly Pass[] {
  if (!isObject(value) || value.resourceType !== "Patient") return [];
  const labels = blindLabels(value);
  const named = labels.filter(({ index }) => names.has(index));
  const { birthDate } = value;
  const dates = typeof birthDate === "string" ? birthDatesNear(birthDate) : [];
  const families: BlindLabel[] = [];
  const givens: BlindLabel[] = [];
  for (const name of listOf(value.name)) {
    if (!isObject(name)) continue;
    families.push(...soundLabels(name.family));
    givens.push(...listOf(name.given).flatMap(soundLabels));
  }
  const passes: readonly Pass[] = [
    [labels.filter(({ index }) => contacts.has(index))],
    [dates.map((text) => ({ index: "birth-date", text })), named],
    [families, givens],
  ];
  return passes.filter((pass) => pass.every((group) => group.length > 0));
}
