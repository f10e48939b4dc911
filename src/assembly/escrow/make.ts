import { join } from "node:path";
import { toIso, type Clock } from "#core/clock.ts";
import type { KeyOperator } from "#core/key-service.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { makeEmptyFolder, writeFiles } from "#assembly/escrow/files.ts";
import {
  escrowFileName,
  folderText,
  instructionsFileName,
  shareFileName,
  shareText,
} from "#assembly/escrow/instructions.ts";
import { proveEscrow } from "#assembly/escrow/prove.ts";
import { sealText } from "#keys/age-text.ts";
import { makeEscrowIdentity, recipientFingerprint } from "#keys/escrow.ts";
import { parseSplit, printShare, splitIdentity, type EscrowShare } from "#keys/escrow-share.ts";

export interface EscrowOrder {
  readonly shares: number;
  readonly threshold: number;
  /** One age recipient for each share, or none: then the shares are written in the clear. */
  readonly recipients: readonly string[];
  /** Made here; must not hold anything yet. */
  readonly folder: string;
}

/** What reaches out of this command. */
export interface EscrowDesk {
  readonly keys: Pick<KeyOperator, "escrow" | "ring">;
  /** Writes one durable entry of action "key-escrow" into the log; reasons are names, no free text. */
  readonly log: (reasons: readonly string[]) => Promise<Result<null>>;
  readonly random: Random;
  readonly clock: Clock;
}

export interface MadeEscrow {
  /** Names the escrow; a uuid. */
  readonly escrow: string;
  readonly ring: string;
  readonly epochs: readonly number[];
  /** ISO 8601. */
  readonly createdAt: string;
  readonly shares: number;
  readonly threshold: number;
  readonly encrypted: boolean;
  readonly files: readonly string[];
}

/**
 * Puts the running ring's KEKs into escrow: logged first, then sealed by the keys process to a fresh
 * identity, which is split and forgotten. Before a file is written, the printed shares have opened
 * the sealed file once. Fails with "parameter-invalid", and as the keys process and the log do.
 */
export async function makeEscrow(
  order: EscrowOrder,
  desk: EscrowDesk,
): Promise<Result<MadeEscrow>> {
  const checked = await checkOrder(order);
  if (!checked.ok) return checked;
  const made = await makeEscrowIdentity();
  const opens = recipientFingerprint(made.recipient);
  const split = await splitIdentity({ identity: made.identity, opens }, order, desk.random);
  if (!split.ok) return split;
  const escrow = split.value[0]?.escrow ?? "";
  const { shares, threshold } = order;
  const logged = await desk.log([`escrow-${escrow}`, `shares-${shares}`, `threshold-${threshold}`]);
  if (!logged.ok) return logged;
  const file = await desk.keys.escrow(made.recipient);
  if (!file.ok) return file;
  const proven = await proveEscrow(file.value, split.value.slice(0, threshold), desk.keys);
  if (!proven.ok) return proven;
  const { ring, epochs, match } = proven.value;
  if (!match.current)
    return refuse("key-work-running", { detail: "the ring was changed meanwhile; try again" });
  const createdAt = toIso(desk.clock.now());
  const encrypted = order.recipients.length > 0;
  const facts = { escrow, shares, threshold, encrypted, epochs, createdAt };
  const texts = await shareFiles(split.value, order.recipients);
  if (!texts.ok) return texts;
  const files = [
    { name: escrowFileName, content: file.value },
    ...texts.value,
    { name: instructionsFileName, content: folderText(facts) },
  ];
  const folder = await makeEmptyFolder(order.folder);
  if (!folder.ok) return folder;
  await writeFiles(order.folder, files);
  return ok({ ...facts, ring, files: files.map(({ name }) => join(order.folder, name)) });
}

async function checkOrder({ shares, threshold, recipients }: EscrowOrder): Promise<Result<null>> {
  const fits = parseSplit(shares, threshold);
  if (!fits.ok) return fits;
  if (recipients.length > 0 && recipients.length !== shares)
    return refuse("parameter-invalid", {
      detail: `${recipients.length} recipients were given for ${shares} shares; give one for each or none`,
    });
  if (new Set(recipients).size !== recipients.length)
    return refuse("parameter-invalid", {
      detail: "a recipient was given twice: one custodian would hold two shares",
    });
  for (const recipient of recipients) {
    const tried = await sealText("", recipient);
    if (!tried.ok) return tried;
  }
  return ok(null);
}

interface NamedText {
  readonly name: string;
  readonly content: string;
}

async function shareFiles(
  shares: readonly EscrowShare[],
  recipients: readonly string[],
): Promise<Result<readonly NamedText[]>> {
  const files: NamedText[] = [];
  for (const [i, share] of shares.entries()) {
    const recipient = recipients[i];
    const name = shareFileName(share, recipient !== undefined);
    const text = shareText(share, printShare(share));
    const sealed = recipient === undefined ? ok(text) : await sealText(text, recipient);
    if (!sealed.ok) return sealed;
    files.push({ name, content: sealed.value });
  }
  return ok(files);
}
