import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { contactPointOf, wordsOf } from "#records/fhir/person-values.ts";
import { folded } from "#records/fhir/search-values.ts";

/** Where a person lives, brought to the form in which homes are compared; a place alone is no home. */
export interface Home {
  /** Postal code without its extension; the city where there is none. */
  readonly place: string;
  /** House and street. */
  readonly line: string;
}

/** What of a FHIR R4 Patient tells persons apart, brought to the form in which it is compared. */
export interface Person {
  /** `system value` of each identifier that names one person only. */
  readonly identifiers: ReadonlySet<string>;
  /** Of identifiers that a person has one of in her life, such as a social security number: value by system. */
  readonly lifelong: ReadonlyMap<string, string>;
  readonly families: readonly string[];
  /** First given names; middle names tell too little to be weighed. */
  readonly givens: readonly string[];
  /** As FHIR has it: a day, a month or a year. */
  readonly birthDate: string | null;
  readonly gender: string | null;
  readonly phones: ReadonlySet<string>;
  readonly emails: ReadonlySet<string>;
  readonly homes: readonly Home[];
  /** Which of twins or triplets. */
  readonly birthOrder: number | null;
}

const textOf = (value: unknown): string | null =>
  typeof value === "string" && value.trim() !== "" ? value.trim() : null;

/** Identifier types of HL7 v2-0203 of which a person has one for life: SS, SB and NI. */
const lifelongTypes: ReadonlySet<unknown> = new Set(["SS", "SB", "NI"]);
const lifelongSystems: ReadonlySet<string> = new Set([
  "http://hl7.org/fhir/sid/us-ssn",
  "urn:oid:2.16.840.1.113883.4.1",
]);

function isLifelong(identifier: JsonObject, system: string): boolean {
  if (lifelongSystems.has(system)) return true;
  const type = isObject(identifier.type) ? listOf(identifier.type.coding) : [];
  return type.some((coding) => isObject(coding) && lifelongTypes.has(coding.code));
}

/** Digits and letters alone: a number is the same with and without its dashes. */
const plain = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

function identifiersOf(value: JsonObject): Pick<Person, "identifiers" | "lifelong"> {
  const identifiers = new Set<string>();
  const lifelong = new Map<string, string>();
  for (const identifier of listOf(value.identifier)) {
    if (!isObject(identifier) || identifier.use === "old") continue;
    const text = textOf(identifier.value);
    if (text === null) continue;
    const system = textOf(identifier.system) ?? "";
    identifiers.add(`${system} ${plain(text)}`);
    if (isLifelong(identifier, system)) lifelong.set(system, plain(text));
  }
  return { identifiers, lifelong };
}

function namesOf(value: JsonObject): Pick<Person, "families" | "givens"> {
  const families = new Set<string>();
  const givens = new Set<string>();
  for (const name of listOf(value.name)) {
    if (!isObject(name)) continue;
    const family = wordsOf(textOf(name.family) ?? "").join(" ");
    const given = wordsOf(textOf(listOf(name.given)[0]) ?? "").join(" ");
    const words = wordsOf(textOf(name.text) ?? "");
    const [first = ""] = words;
    // Of a text alone it is not known which word is which: the first and the last are the best guess.
    if (family !== "") families.add(family);
    else if (words.length > 1) families.add(words.at(-1) ?? "");
    if (given !== "") givens.add(given);
    else if (words.length > 0 && family === "") givens.add(first);
  }
  return { families: [...families], givens: [...givens] };
}

function contactsOf(value: JsonObject): Pick<Person, "phones" | "emails"> {
  const phones = new Set<string>();
  const emails = new Set<string>();
  for (const point of listOf(value.telecom)) {
    const contact = contactPointOf(point);
    if (contact === null || contact.use === "old") continue;
    (contact.kind === "phone" ? phones : emails).add(contact.text);
  }
  return { phones, emails };
}

/** Words that a street name ends in, long and short. */
const streetWords: Readonly<Record<string, string>> = {
  street: "st",
  road: "rd",
  avenue: "ave",
  lane: "ln",
  drive: "dr",
  court: "ct",
  place: "pl",
  boulevard: "blvd",
  apartment: "apt",
};

function homeOf(address: unknown): readonly Home[] {
  if (!isObject(address) || address.use === "old") return [];
  const code = textOf(address.postalCode);
  const place = code === null ? folded(textOf(address.city) ?? "") : (code.split("-")[0] ?? "");
  const words = listOf(address.line)
    .map((line) => textOf(line) ?? "")
    .join(" ")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
  const line = folded(words.map((word) => streetWords[word] ?? word).join(" "));
  return line === "" ? [] : [{ place, line }];
}

/** Reads a Patient for comparison. What is marked as old is left out, but for former names. */
export function personOf(value: unknown): Person {
  const patient: JsonObject = isObject(value) ? value : {};
  return {
    ...identifiersOf(patient),
    ...namesOf(patient),
    ...contactsOf(patient),
    birthDate: textOf(patient.birthDate),
    gender: textOf(patient.gender),
    homes: listOf(patient.address).flatMap(homeOf),
    birthOrder:
      typeof patient.multipleBirthInteger === "number" ? patient.multipleBirthInteger : null,
  };
}
