import { toIso, type Instant } from "#core/clock.ts";
import type { Pseudonym } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export interface Shredding {
  readonly compartment: Pseudonym;
  readonly at: Instant;
  readonly reason: string;
  readonly officer: string;
  readonly secondOfficer: string;
  /** The newest KEK epoch that may have wrapped the keys. */
  readonly lastEpoch: number;
}

export interface KnownShredding {
  readonly lastEpoch: number;
  /** Null while old epochs could still open a copy of the old rows. */
  readonly finishedAt: Instant | null;
}

/** Null when this patient was never shredded. */
export async function findShredding(
  db: Queryable,
  compartment: Pseudonym,
): Promise<KnownShredding | null> {
  const [row] = await db.query<{
    readonly last_epoch: number;
    readonly finished_at: Instant | null;
  }>("SELECT last_epoch, finished_at FROM keyring.shredded WHERE compartment = $1", [compartment]);
  return row === undefined ? null : { lastEpoch: row.last_epoch, finishedAt: row.finished_at };
}

/** How many keys this compartment has, all versions counted. */
export async function countKeysOf(db: Queryable, compartment: string): Promise<number> {
  const [row] = await db.query<{ readonly count: number }>(
    "SELECT count(*) AS count FROM keyring.data_key WHERE compartment = $1",
    [compartment],
  );
  return row?.count ?? 0;
}

/**
 * Deletes a patient's keys and notes that it was done; from then on none is stored for her. Answers
 * how many were deleted. The caller runs it in a transaction; what was noted before stays.
 */
export async function destroyKeys(tx: Queryable, shredding: Shredding): Promise<number> {
  const { compartment, at, reason, officer, secondOfficer, lastEpoch } = shredding;
  // A key that another transaction is about to add would outlive the deletion.
  await tx.query("LOCK TABLE keyring.data_key IN SHARE ROW EXCLUSIVE MODE");
  const gone = await tx.query<{ readonly kek_epoch: number }>(
    "DELETE FROM keyring.data_key WHERE compartment = $1 RETURNING kek_epoch",
    [compartment],
  );
  const newest = gone.reduce((epoch, row) => Math.max(epoch, row.kek_epoch), lastEpoch);
  await tx.query(
    `INSERT INTO keyring.shredded (compartment, at, reason, officer, second_officer, last_epoch)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [compartment, toIso(at), reason, officer, secondOfficer, newest],
  );
  return gone.length;
}

/** Notes that no epoch is left that could open what was shredded while epochs below this one were. */
export async function finishShreddings(
  db: Queryable,
  oldestEpoch: number,
  at: Instant,
): Promise<void> {
  await db.query(
    `UPDATE keyring.shredded SET finished_at = $2
     WHERE last_epoch < $1 AND finished_at IS NULL`,
    [oldestEpoch, toIso(at)],
  );
}

/** How many patients were shredded, and of how many an old epoch could still open a copy. */
export async function countShredded(
  db: Queryable,
): Promise<{ readonly shredded: number; readonly unfinished: number }> {
  const [row] = await db.query<{ readonly shredded: number; readonly unfinished: number }>(
    `SELECT count(*) AS shredded, count(*) FILTER (WHERE finished_at IS NULL) AS unfinished
     FROM keyring.shredded`,
  );
  return row ?? { shredded: 0, unfinished: 0 };
}
