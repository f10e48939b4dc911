import type { KeySignal, WrappedKey } from "#core/key-wire.ts";
import type { ProblemCode } from "#core/problem.ts";
import type { ProcessRole } from "#core/roles.ts";

export const keyActions = [
  "unwrap",
  "generate",
  "rewrap",
  "epoch-start",
  "epoch-retire",
  "ring-read",
  "kms-move",
  "escrow",
  "brake-lift",
] as const;
export type KeyAction = (typeof keyActions)[number];

/** Who asks, as its certificate and its connection prove. */
export interface KeyCaller {
  readonly role: ProcessRole;
  /** Its address, or "local" on this machine's own socket. */
  readonly host: string;
}

/** Tells one data key; nothing of it is secret. */
export type KeyTold = Pick<WrappedKey, "compartment" | "dekVersion" | "kekEpoch">;

export interface KeyRefused extends KeyTold {
  readonly code: "wrong-epoch" | "damaged" | "not-yours";
}

/** One request to the keys process and what came of it. */
export interface KeyUse {
  readonly action: KeyAction;
  readonly caller: KeyCaller;
  /** "begun" stands before a change of the ring, so that none happens unrecorded. */
  readonly outcome: "begun" | "done" | ProblemCode;
  /** Keys that left the process, or were wrapped anew; `kekEpoch` is the epoch they came under. */
  readonly given: readonly KeyTold[];
  readonly refused: readonly KeyRefused[];
  readonly signals: readonly KeySignal[];
}

export function keyTold({ compartment, dekVersion, kekEpoch }: WrappedKey): KeyTold {
  return { compartment, dekVersion, kekEpoch };
}
