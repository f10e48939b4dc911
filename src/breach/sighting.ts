import type { Instant } from "#core/clock.ts";
import type { ProcessRole } from "#core/roles.ts";

/** Where a process ran that was given a key. */
export interface Holder {
  readonly role: ProcessRole;
  /** Null where no record tells: it may have been any. */
  readonly host: string | null;
}

/**
 * One record that tells of a data key at one moment: it was unwrapped, made, about to be wrapped
 * anew, or its row stands in the key table just now.
 */
export interface Sighting {
  readonly record: "unwrap" | "create" | "rewrap" | "row";
  /** A patient's pseudonym, "organisation" or "identity". */
  readonly compartment: string;
  readonly dekVersion: number;
  /** The epoch that it was wrapped under; null where the record does not tell. */
  readonly kekEpoch: number | null;
  readonly at: Instant;
  /** Who was given the key; null when it left the keys process for nobody. */
  readonly holder: Holder | null;
  /** The log or table that has the record. */
  readonly source: string;
  /** Where in it: index of the entry or number of the line; null in a table. */
  readonly index: number | null;
}

/** What else the tables tell of a compartment's keys. */
export interface KeyFacts {
  /** When the key table says that the key was made, by version. */
  readonly bornAt: ReadonlyMap<number, Instant>;
  readonly shredding: Shredding | null;
}

export interface Shredding {
  readonly at: Instant;
  /** No later epoch ever wrapped the keys. */
  readonly lastEpoch: number;
  /** When the last epoch was gone that could open a copy of them; null while one is there. */
  readonly finishedAt: Instant | null;
}
