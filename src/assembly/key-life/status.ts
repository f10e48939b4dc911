import { ok, type Result } from "#core/result.ts";
import type { KekEpoch } from "#core/key-wire.ts";
import { attempt } from "#storage/storage-problem.ts";
import { isKeyWorkRunning } from "#vault/key-work-store.ts";
import { countByEpoch, countCompartments, readIdentityKey } from "#vault/keeper-store.ts";
import { countShredded } from "#vault/shred-store.ts";
import { parseIdentityKey } from "#assembly/key-life/identity-key.ts";
import type { KeyLife } from "#assembly/key-life/life.ts";

export interface KeysStatus {
  readonly kms: string;
  readonly kekEpoch: number;
  /** Rising. `keys` counts data keys that the epoch wraps, identity's too. */
  readonly epochs: readonly (KekEpoch & { readonly keys: number })[];
  /** Patients and the organisation. */
  readonly compartments: number;
  readonly dataKeys: number;
  /** Data keys under an epoch that the ring has not: nothing opens them. */
  readonly lost: number;
  /** Data keys that a rotation would still move to the newest epoch. */
  readonly underOlderEpochs: number;
  readonly shredded: number;
  /** Shredded patients of whose keys an old epoch could still open a copy. */
  readonly shredsUnfinished: number;
  /** Whether a command changes keys at this moment. */
  readonly workRunning: boolean;
  /** Work that was cut off; the same command again ends it. */
  readonly cutOff: readonly string[];
  /** Data keys unwrapped since the keys process started. */
  readonly unwraps: number;
}

/** How the keys stand, from the keys process and the database. Fails as either does. */
export async function keysStatus({
  db,
  keys,
  tenant,
  notes,
}: Pick<KeyLife, "db" | "keys" | "tenant" | "notes">): Promise<Result<KeysStatus>> {
  const status = await keys.status();
  if (!status.ok) return status;
  const { kms, kekEpoch, epochs, unwraps } = status.value;
  const found = await attempt(async () => ({
    byEpoch: await countByEpoch(db, tenant),
    compartments: await countCompartments(db, tenant),
    identity: await readIdentityKey(db),
    shredded: await countShredded(db),
    workRunning: await isKeyWorkRunning(db),
  }));
  if (!found.ok) return found;
  const { byEpoch, compartments, identity, shredded, workRunning } = found.value;
  const identityEpoch = identity === null ? null : parseIdentityKey(identity)?.kekEpoch;
  const keysUnder = (epoch: number): number =>
    (byEpoch.find((row) => row.kekEpoch === epoch)?.keys ?? 0) + (identityEpoch === epoch ? 1 : 0);
  const counted = epochs.map((each) => ({ ...each, keys: keysUnder(each.epoch) }));
  const dataKeys =
    byEpoch.reduce((sum, row) => sum + row.keys, 0) + (typeof identityEpoch === "number" ? 1 : 0);
  const inRing = counted.reduce((sum, each) => sum + each.keys, 0);
  return ok({
    kms,
    kekEpoch,
    epochs: counted,
    compartments,
    dataKeys,
    lost: dataKeys - inRing,
    underOlderEpochs: inRing - keysUnder(kekEpoch),
    shredded: shredded.shredded,
    shredsUnfinished: shredded.unfinished,
    workRunning,
    cutOff: workRunning ? [] : cutOffWork(notes, shredded.unfinished),
    unwraps,
  });
}

function cutOffWork(notes: KeyLife["notes"], shredsUnfinished: number): readonly string[] {
  return [
    ...(notes.read("rotation") === null ? [] : ["rotate-kek"]),
    ...(notes.read("reseal-all") === null ? [] : ["reseal --all"]),
    ...(shredsUnfinished === 0 ? [] : ["shred"]),
  ];
}
