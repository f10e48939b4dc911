import type { Instant } from "#core/clock.ts";
import type { Pseudonym, ResourceId } from "#core/ids.ts";

/** One version of a request, sealed. */
export interface RegisterRow {
  readonly id: ResourceId;
  readonly version: number;
  readonly compartment: Pseudonym;
  readonly askedOn: string;
  readonly dueOn: string;
  readonly isOpen: boolean;
  readonly dekVersion: number;
  readonly sealed: Buffer;
}

/** A version to add, written by the log in the transaction of its entries. */
export interface AccessRequestWrite {
  readonly kind: "access-request";
  readonly row: RegisterRow;
  readonly changedAt: Instant;
}
