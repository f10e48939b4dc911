import type { Queryable } from "#storage/database.ts";

/** One stored version of a resource; of what it holds only the hash. */
export interface StoredVersion {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly deleted: boolean;
  /** Whether it stands as the newest one; else it is in the history. */
  readonly isCurrent: boolean;
  /** SHA-256 of the ciphertext. */
  readonly digest: Buffer;
}

/** About how many versions are stored, for a progress bar: counting them would read every row. */
export async function estimateVersions(on: Queryable): Promise<number> {
  const [row] = await on.query<{ rows: number }>(
    `SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint AS rows FROM pg_class
     WHERE oid IN ('records.resource'::regclass, 'records.resource_history'::regclass)`,
  );
  return row?.rows ?? 0;
}

/** Versions that are read and held in memory at a time. */
const pageVersions = 4_096;

/** Every stored version, a page at a time, in no order. `on` must be a transaction. */
export async function* storedVersions(on: Queryable): AsyncGenerator<readonly StoredVersion[]> {
  await on.query(
    `DECLARE stored_versions NO SCROLL CURSOR FOR
     SELECT type, id, version, deleted, is_current AS "isCurrent", digest FROM records.row_digest`,
  );
  for (;;) {
    const page = await on.query<StoredVersion & Record<string, unknown>>(
      `FETCH ${pageVersions} FROM stored_versions`,
    );
    if (page.length === 0) break;
    yield page;
  }
  await on.query("CLOSE stored_versions");
}
