import type { KeyOperator } from "#core/key-service.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { wipeEscrow } from "#keys/escrow-contents.ts";
import { openEscrow } from "#keys/escrow.ts";
import { matchRing, type EscrowMatch } from "#keys/escrow-match.ts";
import { combineShares, type EscrowShare } from "#keys/escrow-share.ts";

export interface ProvenEscrow {
  readonly escrow: string;
  /** The ring's uuid. */
  readonly ring: string;
  readonly epochs: readonly number[];
  readonly match: EscrowMatch;
}

/**
 * Opens an escrow with its shares, in memory alone, and compares it with the ring that is in use.
 * Fails with "escrow-refused" when the shares do not open it, and as the keys process does.
 */
export async function proveEscrow(
  file: Buffer,
  shares: readonly EscrowShare[],
  keys: Pick<KeyOperator, "ring">,
): Promise<Result<ProvenEscrow>> {
  const identity = await combineShares(shares);
  if (!identity.ok) return identity;
  const opened = await openEscrow(file, identity.value);
  if (!opened.ok) return opened;
  try {
    const text = await keys.ring();
    if (!text.ok) return text;
    const match = matchRing(opened.value, text.value);
    if (match === null)
      return refuse("key-unavailable", { detail: "the keys process gave no key ring" });
    const { ring, epochs } = opened.value;
    const escrow = shares[0]?.escrow ?? "";
    return ok({ escrow, ring, epochs: epochs.map(({ epoch }) => epoch), match });
  } finally {
    wipeEscrow(opened.value);
  }
}
