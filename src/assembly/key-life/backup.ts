import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { toIso } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { readKmsConfig } from "#keys/kms/config.ts";
import { syncFolder } from "#keys/private-file.ts";
import { attempt } from "#storage/storage-problem.ts";
import {
  pageOfKeys,
  pageOfShredded,
  type CopiedKey,
  type CopiedShredding,
} from "#vault/key-copy-store.ts";
import { readIdentityKey } from "#vault/keeper-store.ts";
import {
  backupLimits,
  createTally,
  printEnd,
  printHead,
  printKey,
  printShredded,
} from "#assembly/key-life/backup-file.ts";
import type { KeyLife } from "#assembly/key-life/life.ts";

/** What a backup is made of. */
export type BackupSource = Pick<KeyLife, "db" | "keys" | "tenant" | "clock"> & {
  /** The folder of the keys process. */
  readonly keysFolder: string;
};

export interface Backup {
  readonly path: string;
  readonly keys: number;
  readonly shredded: number;
  /** Hex of the SHA-256 over all lines but the last, which names it. */
  readonly sha256: string;
}

const ending = ".phylax-keys";

/** A name that sorts by time. */
export function backupName({ clock }: Pick<KeyLife, "clock">): string {
  return `${toIso(clock.now()).replaceAll(/[-:]/g, "").replace(".", "-")}${ending}`;
}

/**
 * Writes one file with all that opens the wrapped keys except the passphrase or the other root key,
 * and the wrapped keys themselves: with it and an old copy of the database, everyone opens who has
 * not been shredded. Whole or not at all, and on disk when this returns. Fails with
 * "storage-unavailable" when the file cannot be written, and as the keys process and the database.
 */
export async function backUp(source: BackupSource, path: string): Promise<Result<Backup>> {
  const temporary = `${path}.new`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const written = await write(source, temporary);
    if (!written.ok) {
      await rm(temporary, { force: true });
      return written;
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
    return ok({ path, ...written.value });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : null;
    if (code === null) throw error;
    return refuse("storage-unavailable", {
      detail: `the backup ${path} cannot be written (${code})`,
    });
  }
}

async function write(source: BackupSource, path: string): Promise<Result<Omit<Backup, "path">>> {
  const file = await open(path, "w", 0o600);
  try {
    const tally = createTally();
    const put = async (lines: readonly string[]): Promise<void> => {
      for (const line of lines) tally.add(line);
      await file.appendFile(lines.join(""));
    };
    const head = await headOf(source);
    if (!head.ok) return head;
    await put([head.value]);
    const keys = await putKeys(source, put);
    if (!keys.ok) return keys;
    const shredded = await putShredded(source, put);
    if (!shredded.ok) return shredded;
    const sha256 = tally.digest();
    await file.appendFile(printEnd(keys.value + shredded.value, sha256));
    await file.sync();
    return ok({ keys: keys.value, shredded: shredded.value, sha256 });
  } finally {
    await file.close();
  }
}

const textOf = (path: string): string | null =>
  existsSync(path) ? readFileSync(path, "utf8") : null;

async function headOf({
  db,
  keys,
  tenant,
  clock,
  keysFolder,
}: BackupSource): Promise<Result<string>> {
  const kmsPath = join(keysFolder, "kms.json");
  const config = await readKmsConfig(kmsPath);
  if (!config.ok) return config;
  const ring = await keys.ring();
  if (!ring.ok) return ring;
  const identityKey = await attempt(() => readIdentityKey(db));
  if (!identityKey.ok) return identityKey;
  const rootKey =
    config.value.kind === "file" ? textOf(config.value.path ?? join(keysFolder, "root.key")) : null;
  const shared = { deployment: tenant, createdAt: clock.now(), kms: textOf(kmsPath) };
  return ok(printHead({ ...shared, ring: ring.value, rootKey, identityKey: identityKey.value }));
}

type Put = (lines: readonly string[]) => Promise<void>;

async function putKeys({ db, tenant }: BackupSource, put: Put): Promise<Result<number>> {
  const { linesPerBatch } = backupLimits;
  return inPages<CopiedKey>(
    (after) => pageOfKeys(db, tenant, after?.key ?? null, linesPerBatch),
    (page) => put(page.map(printKey)),
  );
}

async function putShredded({ db }: BackupSource, put: Put): Promise<Result<number>> {
  const { linesPerBatch } = backupLimits;
  return inPages<CopiedShredding>(
    (after) => pageOfShredded(db, after?.compartment ?? null, linesPerBatch),
    (page) => put(page.map(printShredded)),
  );
}

/** Reads page after page until one is empty and answers how many items there were. */
async function inPages<T>(
  read: (after: T | null) => Promise<readonly T[]>,
  put: (page: readonly T[]) => Promise<void>,
): Promise<Result<number>> {
  let count = 0;
  let after: T | null = null;
  for (;;) {
    const from: T | null = after;
    const page: Result<readonly T[]> = await attempt(() => read(from));
    if (!page.ok) return page;
    after = page.value.at(-1) ?? null;
    if (after === null) return ok(count);
    await put(page.value);
    count += page.value.length;
  }
}

/** Removes the other backups in the newest one's folder: each could bring an epoch back that is gone. */
export async function removeOlderBackups(newest: string): Promise<Result<number>> {
  const folder = dirname(newest);
  const { mtimeMs } = await stat(newest);
  let removed = 0;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!name.endsWith(ending) || path === newest) continue;
    if ((await stat(path)).mtimeMs > mtimeMs) continue;
    await rm(path);
    removed += 1;
  }
  await syncFolder(folder);
  return ok(removed);
}
