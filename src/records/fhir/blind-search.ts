import type { Bounds } from "#records/fhir/dates.ts";
import {
  birthDateLabels,
  contactLabel,
  identifierLabels,
  nameLabel,
} from "#records/fhir/blind-labels.ts";
import { soundsOf, wordsOf } from "#records/fhir/person-values.ts";
import { splitUnescaped, unescaped } from "#records/fhir/search-asked.ts";
import type { BlindIndexName, BlindLabel } from "#vault/blind-index.ts";

/** One parameter of a search for Patients, its values or'd. */
export interface BlindClause {
  readonly code: string;
  readonly modifier: string | null;
  /** As they stand in the query. */
  readonly values: readonly string[];
}

type Labels = readonly BlindLabel[] | null;

const one = (label: BlindLabel | null): Labels => (label === null ? null : [label]);

function ofIdentifier(value: string): Labels {
  const [first = "", second, more] = splitUnescaped(value, "|").map(unescaped);
  if (more !== undefined || (second ?? first) === "") return null;
  const [whole, alone] = identifierLabels(first, second ?? first);
  const wanted = second === undefined ? alone : whole;
  return wanted === undefined ? null : [wanted];
}

const nameIndexes: Readonly<Record<string, readonly ("family" | "given" | "name-text")[]>> = {
  family: ["family"],
  given: ["given"],
  name: ["family", "given", "name-text"],
};

function ofName({ code, modifier }: BlindClause, value: string): Labels {
  if (modifier === "contains") return null;
  const labels = (nameIndexes[code] ?? []).map((index) =>
    nameLabel(index, unescaped(value), modifier === "exact"),
  );
  const known = labels.filter((label) => label !== null);
  return known.length === 0 || known.length < labels.length ? null : known;
}

/** Of several words the longest says most; the others are compared once the Patient is open. */
function ofSound(value: string): Labels {
  const words = wordsOf(unescaped(value)).toSorted((a, b) => b.length - a.length);
  const sounds = soundsOf(words[0] ?? "");
  return sounds.length === 0 ? null : sounds.map((text) => ({ index: "phonetic", text }));
}

/** `use|value` or `value`. */
const ofContact = (value: string): Labels => one(contactLabel(value.slice(value.indexOf("|") + 1)));

function ofValue(clause: BlindClause, value: string): Labels {
  switch (clause.code) {
    case "identifier":
      return ofIdentifier(value);
    case "family":
    case "given":
    case "name":
      return ofName(clause, value);
    case "phonetic":
      return ofSound(value);
    case "phone":
    case "email":
    case "telecom":
      return ofContact(unescaped(value));
    default:
      return null;
  }
}

// What others ask, such as :not or :missing, is nothing that a name or number is indexed by.
const indexedModifiers: ReadonlySet<string | null> = new Set([null, "exact", "contains"]);

function ofClause(clause: BlindClause): Labels {
  if (!indexedModifiers.has(clause.modifier)) return null;
  const labels = clause.values.map((value) => ofValue(clause, value));
  const known = labels.filter((label) => label !== null);
  return known.length < labels.length ? null : known.flat();
}

/** The fewest Patients first: what stands here earlier narrows more. */
const narrowing: Readonly<Record<BlindIndexName, number>> = {
  identifier: 0,
  "identifier-value": 1,
  address: 2,
  phone: 3,
  "birth-date": 4,
  phonetic: 5,
  family: 6,
  "name-text": 7,
  given: 8,
};

const rankOf = (group: readonly BlindLabel[]): number =>
  Math.max(...group.map(({ index }) => narrowing[index])) * 1_000 + group.length;

/**
 * AND of ORs: every Patient that answers the search has a label of each group, the narrowest group
 * first; none when nothing of the search can be looked up. `birthDates` is what all birthdate
 * parameters leave together.
 */
export function blindGroups(
  clauses: readonly BlindClause[],
  birthDates: Bounds | null,
): readonly (readonly BlindLabel[])[] {
  const days = birthDates === null ? null : birthDateLabels(birthDates);
  const groups = [...clauses.map(ofClause), days].filter((group) => group !== null);
  return groups.toSorted((a, b) => rankOf(a) - rankOf(b));
}
