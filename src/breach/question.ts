import type { Instant } from "#core/clock.ts";
import type { ProcessRole } from "#core/roles.ts";

/** A stretch of time; `until` is not included. Null is open: from the first record on, until now. */
export interface Window {
  readonly from: Instant | null;
  readonly until: Instant | null;
}

/** What was lost. Each question asks which patients that exposes. */
export type ExposureQuestion =
  /** One data key, or all versions of one compartment's key when `dekVersion` is null. */
  | {
      readonly kind: "key";
      readonly compartment: string;
      readonly dekVersion: number | null;
      readonly window: Window;
    }
  /** The memory of the processes of a host that were given keys; of one role alone when it is named. */
  | {
      readonly kind: "host";
      readonly host: string;
      readonly role: ProcessRole | null;
      readonly window: Window;
    }
  /** The memory of the keys process: whatever its epochs could unwrap. */
  | { readonly kind: "keys-host"; readonly window: Window }
  /** One key-encryption key, with what the database held under it in the window. */
  | { readonly kind: "kek-epoch"; readonly epoch: number; readonly window: Window }
  /** A copy of the database as it was at one time, with the KEK of one epoch, or with no key at all. */
  | { readonly kind: "backup"; readonly at: Instant; readonly epoch: number | null };

/** The window as two numbers of milliseconds. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

export const spanOf = ({ from, until }: Window): Span => ({
  from: from ?? Number.NEGATIVE_INFINITY,
  until: until ?? Number.POSITIVE_INFINITY,
});

/** Of a copy only the one moment counts in which it was made. */
export function spanOfQuestion(question: ExposureQuestion): Span {
  return question.kind === "backup"
    ? { from: question.at, until: question.at + 1 }
    : spanOf(question.window);
}
