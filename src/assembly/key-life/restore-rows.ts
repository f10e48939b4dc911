import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Clock } from "#core/clock.ts";
import type { KeyRing } from "#keys/ring.ts";
import type { Database, Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { countOutside, putIdentityKey, putKeys, putShredded } from "#vault/key-copy-store.ts";
import { readIdentityKey } from "#vault/keeper-store.ts";
import { finishShreddings } from "#vault/shred-store.ts";
import { readBackup, type BackupBatch, type BackupRead } from "#assembly/key-life/backup-read.ts";
import { parseIdentityKey } from "#assembly/key-life/identity-key.ts";
import type { OnProgress } from "#assembly/key-life/life.ts";

export interface RestoredRows {
  /** Keys of which the backup's form was put in place. */
  readonly keysReplaced: number;
  /** Keys of shredded patients that an old database had brought back. */
  readonly keysDestroyed: number;
  /** Keys that the restored ring does not open. */
  readonly keysLost: number;
}

export interface RowsWork {
  /** Enters as phylax_keeper. */
  readonly db: Database;
  /** The restored ring. */
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly path: string;
  /** What a first reading of the same file found. */
  readonly verified: BackupRead;
  readonly onProgress: OnProgress;
}

/** Undoes the transaction and carries why. */
class Undo extends Error {
  readonly failure: Extract<Result<never>, { ok: false }>;
  constructor(failure: Extract<Result<never>, { ok: false }>) {
    super("undone");
    this.failure = failure;
  }
}

/**
 * Puts a backup's wrapped keys into the database and destroys again what it says was shredded, all
 * in one transaction. Fails with "key-ring-refused", having changed nothing, when a key of the
 * backup does not open under the ring that came with it.
 */
export async function restoreRows(work: RowsWork): Promise<Result<RestoredRows>> {
  try {
    return await attempt(() => work.db.transaction((tx) => putAll(work, tx)));
  } catch (error) {
    if (error instanceof Undo) return error.failure;
    throw error;
  }
}

async function putAll(work: RowsWork, tx: Queryable): Promise<RestoredRows> {
  const { ring, verified, path, clock, onProgress } = work;
  const openable = ring.epochs.map(({ epoch }) => epoch);
  const total = verified.keys + verified.shredded;
  let [keysReplaced, keysDestroyed, seen] = [0, 0, 0];
  const take = async ({ keys, shredded }: BackupBatch): Promise<Result<null>> => {
    for (const { key } of keys) if (!opens(ring, key)) return doesNotOpen(key.compartment);
    keysReplaced += await putKeys(tx, keys, openable);
    keysDestroyed += await putShredded(tx, shredded);
    seen += keys.length + shredded.length;
    onProgress(seen, total);
    return ok(null);
  };
  const read = await readBackup(path, take);
  if (!read.ok) throw new Undo(read);
  const { identityKey } = read.value.head;
  if (identityKey !== null) keysReplaced += await restoreIdentityKey(work, tx, identityKey);
  await finishShreddings(tx, openable[0] ?? 0, clock.now());
  return { keysReplaced, keysDestroyed, keysLost: await countOutside(tx, openable) };
}

function opens(ring: KeyRing, key: Parameters<KeyRing["unwrap"]>[0]): boolean {
  const unwrapped = ring.unwrap(key);
  if (!unwrapped.ok) return false;
  unwrapped.key.fill(0);
  return true;
}

const doesNotOpen = (compartment: string): ReturnType<typeof refuse> =>
  refuse("key-ring-refused", {
    detail: `the backup: its own ring does not open the key of ${compartment}`,
  });

async function restoreIdentityKey(
  { ring }: RowsWork,
  tx: Queryable,
  stored: string,
): Promise<number> {
  const key = parseIdentityKey(stored);
  if (key === null || !opens(ring, key)) throw new Undo(doesNotOpen("identity"));
  const there = await readIdentityKey(tx);
  const known = there === null ? null : parseIdentityKey(there);
  if (known !== null && opens(ring, known)) return 0;
  await putIdentityKey(tx, stored);
  return 1;
}
