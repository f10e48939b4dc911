import { createSecretKey } from "node:crypto";
import type { EscrowedRing } from "#keys/escrow-contents.ts";
import { isSealed, parseRingFile } from "#keys/ring-file.ts";

/** How an escrow stands to the ring that is in use. */
export interface EscrowMatch {
  /** Ring and newest KEK are the very ones: what is wrapped now would open. */
  readonly current: boolean;
  /** Epochs that the ring has and the escrow lacks: what is wrapped under them would stay shut. */
  readonly missing: readonly number[];
  /** Epochs that were destroyed since, yet live on in the escrow: what was shredded could open. */
  readonly destroyed: readonly number[];
}

/**
 * Compares an escrow with the text of the ring file. The ring file is sealed under its newest KEK:
 * that the escrow's key checks that seal proves the key, not only its number; the escrow's own seal
 * has bound the older ones to it. Null when the text is no ring file.
 */
export function matchRing(ring: EscrowedRing, ringText: string): EscrowMatch | null {
  const file = parseRingFile(ringText);
  if (file === null) return null;
  const inUse = file.contents.epochs.map(({ epoch }) => epoch);
  const escrowed = ring.epochs.map(({ epoch }) => epoch);
  const newest = ring.epochs.find(({ epoch }) => epoch === inUse.at(-1));
  const proven = newest !== undefined && isSealed(file, createSecretKey(newest.kek));
  return {
    current: file.contents.ring === ring.ring && proven,
    missing: inUse.filter((epoch) => !escrowed.includes(epoch)),
    destroyed: escrowed.filter((epoch) => !inUse.includes(epoch)),
  };
}
