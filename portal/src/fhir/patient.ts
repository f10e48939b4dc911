import { at, firstText, list, readEach, text } from "./json.ts";

export interface Person {
  readonly id: string;
  readonly name: string;
  /** FHIR date, as precise as it was recorded. */
  readonly born: string | null;
  readonly isDeceased: boolean;
  /** The organisation's own number for the person. */
  readonly number: string | null;
}

/** Null when it has no id; someone without a name is called by the id. */
export function readPatient(resource: unknown): Person | null {
  const id = text(at(resource, "id"));
  if (id === null || at(resource, "resourceType") !== "Patient") return null;
  return {
    id,
    name: personName(at(resource, "name")) ?? id,
    born: text(at(resource, "birthDate")),
    isDeceased:
      at(resource, "deceasedBoolean") === true || text(at(resource, "deceasedDateTime")) !== null,
    number: recordNumber(at(resource, "identifier")),
  };
}

const namePreference = ["usual", "official"];

/** One name to call a person by, from a list of HumanName; prefixes and suffixes are left out. */
export function personName(names: unknown): string | null {
  const known = list(names).filter((name) => at(name, "use") !== "old");
  const preferred = namePreference
    .map((use) => known.find((name) => at(name, "use") === use))
    .find((name) => name !== undefined);
  const name = preferred ?? known[0];
  const given = readEach(list(at(name, "given")), text);
  const whole = [...given.slice(0, 1), text(at(name, "family")) ?? ""].join(" ").trim();
  return firstText(whole, at(name, "text"));
}

function recordNumber(identifiers: unknown): string | null {
  const all = list(identifiers);
  const own = all.find((one) =>
    list(at(one, "type", "coding")).some((coding) => at(coding, "code") === "MR"),
  );
  return text(at(own ?? all[0], "value"));
}

/** The letter that stands for someone where there is no picture. */
export function initialOf(name: string): string {
  const [first] = new Intl.Segmenter().segment(name);
  return first?.segment.toUpperCase() ?? "";
}

/** Keeps those whose name, number or birth date holds every word that was typed. */
export function findPeople(people: readonly Person[], typed: string): readonly Person[] {
  const words = fold(typed).split(/\s+/).filter(Boolean);
  return people.filter((person) => {
    const known = fold([person.name, person.number, person.born].join(" "));
    return words.every((word) => known.includes(word));
  });
}

// Someone who types "garcia" looks for García.
function fold(words: string): string {
  return words.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
