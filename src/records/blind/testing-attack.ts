import type { HumanName, Patient, Resource } from "@medplum/fhirtypes";
import { createHash } from "node:crypto";
import { parseTenantId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import { blindLabels } from "#records/fhir/blind-labels.ts";
import { soundsOf, wordsOf } from "#records/fhir/person-values.ts";
import { diceBox } from "#town/dice.ts";
import { createTown } from "#town/town.ts";
import {
  blindIndexes,
  blindToken,
  tokenBitsMax,
  type BlindIndexName,
  type BlindLabel,
} from "#vault/blind-index.ts";
import { takeDataKey, type DataKey } from "#vault/data-key.ts";

/** For tests only: what somebody learns who has the index table, but no key. */

/** A person as the attacker would like to know her, with what the table holds of her. */
export interface Exposed {
  /** What is to be guessed. */
  readonly secret: string;
  /** What the attacker takes for its mark: one token, or several of one person together. */
  readonly mark: string;
}

export function patientsOf(seed: number, count: number): readonly Patient[] {
  const town = createTown({ seed, patients: count, asOf: "2026-09-01" });
  return Array.from({ length: count }, (_, n) => {
    const [first] = town.patient(n);
    invariant(first?.resourceType === "Patient", "a record begins with the Patient");
    return first;
  });
}

/**
 * The same people under family names as unevenly spread as in a real country, where the n-th most
 * frequent is about 1/n as frequent as the first (Zipf's law); the town's own are spread evenly.
 */
export function renamed(
  patients: readonly Patient[],
  names: readonly string[],
  seed: number,
): readonly Patient[] {
  const dice = diceBox(seed)("names", 0);
  const weights = names.map((_, rank) => 1 / (rank + 3));
  return patients.map((patient) => {
    const family = names[dice.weighted(weights)] ?? "";
    const [first] = patient.name ?? [];
    return { ...patient, name: [{ ...first, family } satisfies HumanName] };
  });
}

/** The organisation's key number `n`: always the same, so that a measured number stays. */
export function organisationKey(n: number): DataKey {
  const tenant = parseTenantId("00000000-0000-4000-8000-000000000000");
  invariant(tenant !== null, "a constant tenant is one");
  return takeDataKey(createHash("sha256").update(`blind index test ${n}`).digest(), {
    tenant,
    compartment: "organisation",
    dekVersion: 1,
    kekEpoch: 1,
    seals: 0,
  });
}

/** The tokens of these labels as one text. */
export type Marker = (labels: readonly BlindLabel[]) => string;

/** Tokens of the indexes named, of so many bits each. */
export function marker(key: DataKey, bits: number = tokenBitsMax): Marker {
  const generation = { version: 1, dekVersion: 1, bits: blindIndexes.map(() => bits) };
  return (labels) =>
    labels
      .map((label) => String(blindToken(key, generation, label)))
      .sort()
      .join(" ");
}

export const only = (
  value: Resource,
  ...indexes: readonly BlindIndexName[]
): readonly BlindLabel[] => blindLabels(value).filter(({ index }) => indexes.includes(index));

function counted(texts: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

/**
 * Frequency analysis: the most frequent mark is taken for the class that is most frequent in public,
 * and so on. `classOf` says what the attacker knows of the index: for a name index, which names
 * share a beginning. Of a class the most frequent secret is guessed. Answers the share guessed right.
 */
export function guessedByFrequency(
  exposed: readonly Exposed[],
  published: readonly string[],
  classOf: (secret: string) => string,
): number {
  const best = new Map<string, string>();
  for (const [secret] of counted(published)) {
    const known = classOf(secret);
    if (!best.has(known)) best.set(known, secret);
  }
  const classes = counted(published.map(classOf)).map(([known]) => best.get(known));
  const guess = new Map(
    counted(exposed.map(({ mark }) => mark)).map(([mark], at) => [mark, classes[at]]),
  );
  return exposed.filter(({ mark, secret }) => guess.get(mark) === secret).length / exposed.length;
}

/** What guessing the most frequent secret of everybody comes to: the attacker needs no table for it. */
export function guessedBlindly(exposed: readonly Exposed[], published: readonly string[]): number {
  const [first] = counted(published);
  return exposed.filter(({ secret }) => secret === first?.[0]).length / exposed.length;
}

/**
 * The attacker knows one person and her rows, and takes everybody with the same mark for her
 * namesake. Answers how often that is right, over all pairs of people who share a mark; 1 when
 * nobody shares one with another.
 */
export function sureOfNamesakes(exposed: readonly Exposed[]): number {
  let [pairs, right] = [0, 0];
  for (const some of Map.groupBy(exposed, ({ mark }) => mark).values()) {
    pairs += some.length * (some.length - 1);
    for (const same of Map.groupBy(some, ({ secret }) => secret).values())
      right += same.length * (same.length - 1);
  }
  return pairs === 0 ? 1 : right / pairs;
}

/** A person with her family token, and what all her rows of sounds look like. */
export interface Linked {
  readonly secret: string;
  readonly family: string;
  /** Tokens of how her family name sounds: of a person known, the attacker can tell. */
  readonly ownSounds: readonly string[];
  /** Tokens of all her names' sounds, among which the attacker cannot. */
  readonly sounds: ReadonlySet<string>;
}

export function linked(patient: Patient, family: Marker, sound: Marker): Linked {
  const name = patient.name?.[0]?.family ?? "";
  const soundToken = (text: string): string => sound([{ index: "phonetic", text }]);
  return {
    secret: name,
    family: family(only({ ...patient, name: [{ family: name }] }, "family")),
    ownSounds: wordsOf(name).flatMap(soundsOf).map(soundToken),
    sounds: new Set(only(patient, "phonetic").map(({ text }) => soundToken(text))),
  };
}

/** As sureOfNamesakes, by an attacker who takes the family and phonetic rows of a person together. */
export function sureWhenLinked(people: readonly Linked[]): number {
  let [pairs, right] = [0, 0];
  for (const some of Map.groupBy(people, ({ family }) => family).values())
    for (const known of some)
      for (const other of some) {
        if (known === other || !known.ownSounds.every((token) => other.sounds.has(token))) continue;
        pairs += 1;
        if (known.secret === other.secret) right += 1;
      }
  return pairs === 0 ? 1 : right / pairs;
}
