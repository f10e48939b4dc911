import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { readEscrowFile, readShares } from "#assembly/escrow/files.ts";
import { wipeEscrow, type EscrowedRing } from "#keys/escrow-contents.ts";
import { openEscrow } from "#keys/escrow.ts";
import { restoreKeyHome } from "#keys/escrow-home.ts";
import { combineShares, type EscrowShare } from "#keys/escrow-share.ts";
import type { KeyHome } from "#keys/keys.ts";

/** Where the pieces of an escrow lie. */
export interface EscrowPieces {
  readonly file: string;
  readonly shares: readonly string[];
  /** Files with age identities, for shares that are encrypted. */
  readonly identities: readonly string[];
}

/** Reads the pieces; nothing is opened yet but encrypted shares. */
export async function readPieces(
  pieces: EscrowPieces,
): Promise<Result<{ readonly file: Buffer; readonly shares: readonly EscrowShare[] }>> {
  if (pieces.shares.length === 0)
    return refuse("parameter-invalid", { detail: "no share was given; name each with --share" });
  const file = await readEscrowFile(pieces.file);
  if (!file.ok) return file;
  const shares = await readShares(pieces.shares, pieces.identities);
  return shares.ok ? ok({ file: file.value, shares: shares.value }) : shares;
}

export interface RestoredRing {
  readonly ring: string;
  readonly epochs: readonly number[];
}

/** What one command asks of the log and the home; the log before anything is written. */
export interface RestoreDesk {
  readonly home: KeyHome;
  /** Writes one durable entry of action "key-restore"; reasons are names, no free text. */
  readonly log: (reasons: readonly string[]) => Promise<Result<null>>;
}

/**
 * Makes the keys folder anew from an escrow and its shares. The caller has seen that no keys process
 * runs on it. Fails with "escrow-refused" when they do not fit, as the log does, and as
 * restoreKeyHome does; then nothing was written.
 */
export async function restoreFromEscrow(
  pieces: EscrowPieces,
  { home, log }: RestoreDesk,
): Promise<Result<RestoredRing>> {
  const read = await readPieces(pieces);
  if (!read.ok) return read;
  const { file, shares } = read.value;
  const identity = await combineShares(shares);
  if (!identity.ok) return identity;
  const opened = await openEscrow(file, identity.value);
  if (!opened.ok) return opened;
  try {
    const names = shares.map(({ number }) => `share-${number}`);
    const logged = await log([`escrow-${shares[0]?.escrow ?? ""}`, ...new Set(names)]);
    if (!logged.ok) return logged;
    const restored = await restoreKeyHome(home, opened.value);
    return restored.ok ? ok(namesOf(opened.value)) : restored;
  } finally {
    wipeEscrow(opened.value);
  }
}

function namesOf({ ring, epochs }: EscrowedRing): RestoredRing {
  return { ring, epochs: epochs.map(({ epoch }) => epoch) };
}
