import type { Instant } from "#core/clock.ts";
import type { AccountId, Pseudonym, ResourceId } from "#core/ids.ts";

/** One version of an opening, sealed. */
export interface OpeningRow {
  readonly id: ResourceId;
  readonly version: number;
  readonly compartment: Pseudonym;
  readonly account: AccountId;
  readonly openedAt: Instant;
  readonly endsAt: Instant;
  readonly isReviewed: boolean;
  readonly dekVersion: number;
  readonly sealed: Buffer;
}

/** A version to add, written by the log in the transaction of its entries. */
export interface BreakGlassWrite {
  readonly kind: "break-glass";
  readonly row: OpeningRow;
  readonly changedAt: Instant;
  /** For a first version: how many there may be since when, this one not counted. */
  readonly allowance: { readonly since: Instant; readonly most: number } | null;
}
