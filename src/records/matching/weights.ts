import type { Comparison } from "#records/matching/compare.ts";

/** Bits for each verdict in which the field is known to both. */
export type Weights = {
  readonly [Field in keyof Comparison]: Readonly<
    Record<Exclude<Comparison[Field], "unknown">, number>
  >;
};

/** What speaks against one person before any field is looked at, among those whom the look-up names. */
export const priorBits = -4;

/**
 * As `bench/matching/learn.ts` measures them on a town with second registrations, rounded toward
 * zero. By judgement, as the town holds no such case: a shared record number, names that only sound
 * alike, a family name that is part of another's, and the order of birth, which tells twins apart.
 * That members of one household agree in family name, home and telephone is in the measure: most
 * pairs that a look-up brings together and that are two persons are such.
 */
export const weights: Weights = {
  identifier: { same: 14 },
  lifelong: { same: 11, slip: 3, differ: -10 },
  family: { same: 1.9, short: 1, slip: 2.4, sounds: 1, differ: -4 },
  given: { same: 2.3, short: 2.3, slip: 2.8, sounds: 0, differ: -7 },
  birthDate: { same: 9.5, slip: 1, part: 1, differ: -7 },
  gender: { same: 0.7, differ: -5 },
  phone: { same: 0.1, differ: -0.2 },
  email: { same: 12, differ: -1.5 },
  home: { same: 3, place: -2, differ: -1.5 },
  birthOrder: { same: 0, differ: -12 },
};
