import type { Resource } from "@medplum/fhirtypes";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { blindLabels } from "#records/fhir/blind-labels.ts";
import { passesFor } from "#records/matching/blocking.ts";
import { compare, type Comparison } from "#records/matching/compare.ts";
import { personOf } from "#records/matching/person.ts";
import { diceBox } from "#town/dice.ts";
import { createTown } from "#town/town.ts";
import { firstRegistration, secondRegistration } from "./second-registration.ts";

/** One pair that the look-up brought together, and whether it is one person. */
export interface Pair {
  readonly comparison: Comparison;
  readonly isSame: boolean;
}

export interface Trial {
  readonly pairs: readonly Pair[];
  /** Persons registered twice, found by the look-up or not. */
  readonly duplicates: number;
}

const asOf = "2026-10-01";
/** One patient in this many is registered twice. */
const oneIn = 5;

/** The blind indexes as a map: which patients have a label. */
function indexOf(values: readonly Resource[]): ReadonlyMap<string, readonly number[]> {
  const index = new Map<string, number[]>();
  for (const [n, value] of values.entries())
    for (const { index: kind, text } of blindLabels(value)) {
      const name = `${kind} ${text}`;
      const list = index.get(name) ?? [];
      list.push(n);
      index.set(name, list);
    }
  return index;
}

function candidates(value: Resource, index: ReadonlyMap<string, readonly number[]>): Set<number> {
  const found = new Set<number>();
  for (const pass of passesFor(value)) {
    const groups = pass.map(
      (group) =>
        new Set(group.flatMap(({ index: kind, text }) => index.get(`${kind} ${text}`) ?? [])),
    );
    const [first = new Set<number>(), ...others] = groups;
    for (const n of first) if (others.every((group) => group.has(n))) found.add(n);
  }
  return found;
}

const asResource = (value: JsonObject): Resource => value as unknown as Resource;

function familyOf(value: JsonObject): string {
  const [name] = listOf(value.name);
  return isObject(name) && typeof name.family === "string" ? name.family : "";
}

/** A town of whom some are registered twice; each of these is looked for among all who are registered once. */
export function runTrial(seed: number, patients: number): Trial {
  const town = createTown({ seed, patients, asOf });
  const dice = diceBox(seed);
  const registered: JsonObject[] = [];
  for (let n = 0; n < patients; n += 1) {
    const [patient] = town.patient(n);
    registered.push(
      firstRegistration(isObject(patient) ? patient : {}, n, dice("first registration", n)),
    );
  }
  const index = indexOf(registered.map(asResource));
  const persons = registered.map(personOf);
  const pairs: Pair[] = [];
  let duplicates = 0;
  for (const [n, known] of registered.entries()) {
    if (n % oneIn !== 0) continue;
    duplicates += 1;
    const otherFamily = familyOf(registered[(n + patients / 2) % patients] ?? {});
    const again = secondRegistration(known, {
      n,
      dice: dice("second registration", n),
      otherFamily,
    });
    const person = personOf(again);
    for (const other of candidates(asResource(again), index)) {
      const candidate = persons[other];
      if (candidate !== undefined)
        pairs.push({ comparison: compare(person, candidate), isSame: other === n });
    }
  }
  return { pairs, duplicates };
}
