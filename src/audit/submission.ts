import type { AuditEntry } from "#core/audit-entry.ts";
import type { Proof } from "#audit/seen-proofs.ts";

/** Where an entry stands: the log's origin and the index of its leaf. */
export interface LeafPlace {
  readonly origin: string;
  readonly index: number;
}

export interface Submission<W, R> {
  /**
   * What is logged, by what the work came to; null where there is no work or it was not done. Pure
   * and quick: it may be called more than once.
   */
  readonly entries: (outcome: R | null) => readonly AuditEntry[];
  /** Written by `alongside`, in the same transaction as its entries. */
  readonly work?: W;
  /** How many rows the work writes, where they are many: it is given more time then. */
  readonly rows?: number;
  /** Good once. When it was used before, the work is not done and a denial is logged. */
  readonly proof?: Proof;
}

export interface Accepted<R> {
  readonly outcome: R | null;
  readonly places: readonly LeafPlace[];
}
