import type { Resource } from "@medplum/fhirtypes";
import { invariant } from "#core/result.ts";
import { parseDay } from "#town/calendar.ts";
import { writeCompartment } from "#town/compartment.ts";
import { organisationOf } from "#town/organisation.ts";
import { createWorld } from "#town/world.ts";

export interface TownOptions {
  /** Any safe integer; another seed is another town. */
  readonly seed: number;
  readonly patients: number;
  /** YYYY-MM-DD: the day on which the town is looked at. Only appointments lie after it. */
  readonly asOf: string;
}

/** A town of patients who never lived, made as it is asked for and never held as a whole. */
export interface Town {
  readonly seed: number;
  /** How many patients it has. */
  readonly size: number;
  readonly asOf: string;
  /** What belongs to no patient, each resource after those that it refers to. */
  organisation(): Iterable<Resource>;
  /**
   * Everything in patient `n`'s record, the Patient first. Depends on seed, day and `n` alone, so
   * that a larger town holds the smaller one. Throws BrokenInvariant unless 0 ≤ n < patients.
   */
  patient(n: number): readonly Resource[];
  /** All of them by number, each made when it is reached. */
  patients(): Iterable<readonly Resource[]>;
}

/** More would wear out the 32 bits in which patients are counted. */
export const patientsMax = 1_000_000_000;

/** Throws BrokenInvariant when seed, size or day cannot be one. */
export function createTown(options: TownOptions): Town {
  const { seed, patients, asOf } = options;
  const day = parseDay(asOf);
  invariant(day !== null, "a town's day must be YYYY-MM-DD");
  invariant(Number.isSafeInteger(seed), "a town's seed must be a safe integer");
  invariant(
    Number.isInteger(patients) && patients >= 0 && patients <= patientsMax,
    "a town's size must be a count",
  );
  const world = createWorld(seed, day);
  const patient = (n: number): readonly Resource[] => {
    invariant(Number.isInteger(n) && n >= 0 && n < patients, "the town has no such patient");
    return writeCompartment(world, n);
  };
  return {
    seed,
    size: patients,
    asOf,
    organisation: () => organisationOf(world, patients),
    patient,
    patients: function* () {
      for (let n = 0; n < patients; n += 1) yield patient(n);
    },
  };
}
