import { toIso, type Instant } from "#core/clock.ts";
import type { TenantId } from "#core/ids.ts";
import type { WrappedKey } from "#core/key-wire.ts";
import type { Queryable } from "#storage/database.ts";
import type { KeyCursor } from "#vault/keeper-store.ts";
import type { Shredding } from "#vault/shred-store.ts";
import { wrappedKeyOf, type KeyRow } from "#vault/store.ts";

/** A wrapped key as a backup keeps it. */
export interface CopiedKey {
  readonly key: WrappedKey;
  readonly createdAt: Instant;
}

export type CopiedShredding = Omit<Shredding, "compartment"> & {
  readonly compartment: string;
  readonly finishedAt: Instant | null;
};

/** The next keys behind the cursor, whatever epoch wraps them. */
export async function pageOfKeys(
  db: Queryable,
  tenant: TenantId,
  after: KeyCursor | null,
  limit: number,
): Promise<readonly CopiedKey[]> {
  const rows = await db.query<KeyRow & { readonly created_at: Instant } & Record<string, unknown>>({
    name: "key-copy-page",
    text: `SELECT compartment, dek_version, kek_epoch, wrapped, commitment, created_at
      FROM keyring.data_key WHERE tenant = $1 AND (compartment, dek_version) > ($2, $3)
      ORDER BY compartment, dek_version LIMIT $4`,
    values: [tenant, after?.compartment ?? "", after?.dekVersion ?? 0, limit],
  });
  return rows.map((row) => ({ key: wrappedKeyOf(tenant, row), createdAt: row.created_at }));
}

/** The next shredded patients behind this pseudonym (null: from the first). */
export async function pageOfShredded(
  db: Queryable,
  after: string | null,
  limit: number,
): Promise<readonly CopiedShredding[]> {
  const rows = await db.query<{
    readonly compartment: string;
    readonly at: Instant;
    readonly reason: string;
    readonly officer: string;
    readonly second_officer: string;
    readonly last_epoch: number;
    readonly finished_at: Instant | null;
  }>(
    `SELECT compartment, at, reason, officer, second_officer, last_epoch, finished_at
     FROM keyring.shredded WHERE compartment > $1 ORDER BY compartment LIMIT $2`,
    [after ?? "", limit],
  );
  return rows.map(({ second_officer: secondOfficer, last_epoch: lastEpoch, ...row }) => ({
    compartment: row.compartment,
    at: row.at,
    reason: row.reason,
    officer: row.officer,
    secondOfficer,
    lastEpoch,
    finishedAt: row.finished_at,
  }));
}

/**
 * Puts keys of a backup in place and answers how many rows that changed. A row that is there keeps
 * its form when that is as new and its epoch is one of `openable`: the ring that is being restored
 * opens it. A row whose commitment differs is another key and is never overwritten.
 */
export async function putKeys(
  tx: Queryable,
  keys: readonly CopiedKey[],
  openable: readonly number[],
): Promise<number> {
  const [row] = await tx.query<{ readonly count: number }>({
    name: "key-copy-put",
    text: `WITH put AS (
        INSERT INTO keyring.data_key AS k
          (compartment, dek_version, kek_epoch, wrapped, commitment, created_at)
        SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bytea[], $5::bytea[], $6::timestamptz[])
        ON CONFLICT (tenant, compartment, dek_version) DO UPDATE
          SET kek_epoch = excluded.kek_epoch, wrapped = excluded.wrapped
          WHERE k.commitment = excluded.commitment
            AND (k.kek_epoch < excluded.kek_epoch OR NOT k.kek_epoch = ANY ($7::int[]))
        RETURNING 1)
      SELECT count(*) AS count FROM put`,
    values: [
      keys.map(({ key }) => key.compartment),
      keys.map(({ key }) => key.dekVersion),
      keys.map(({ key }) => key.kekEpoch),
      keys.map(({ key }) => Buffer.from(key.wrapped, "base64url")),
      keys.map(({ key }) => Buffer.from(key.commitment, "base64url")),
      keys.map(({ createdAt }) => toIso(createdAt)),
      openable,
    ],
  });
  return row?.count ?? 0;
}

/** Destroys once more what a backup says was shredded; answers how many keys came back and went. */
export async function putShredded(
  tx: Queryable,
  shredded: readonly CopiedShredding[],
): Promise<number> {
  const compartments = shredded.map(({ compartment }) => compartment);
  const gone = await tx.query(
    "DELETE FROM keyring.data_key WHERE compartment = ANY ($1::text[]) RETURNING 1",
    [compartments],
  );
  await tx.query(
    `INSERT INTO keyring.shredded
       (compartment, at, reason, officer, second_officer, last_epoch, finished_at)
     SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[],
       $6::int[], $7::timestamptz[])
     ON CONFLICT DO NOTHING`,
    [
      compartments,
      shredded.map(({ at }) => toIso(at)),
      shredded.map(({ reason }) => reason),
      shredded.map(({ officer }) => officer),
      shredded.map(({ secondOfficer }) => secondOfficer),
      shredded.map(({ lastEpoch }) => lastEpoch),
      shredded.map(({ finishedAt }) => (finishedAt === null ? null : toIso(finishedAt))),
    ],
  );
  return gone.length;
}

/** Puts identity's wrapped key of a backup in place, whatever is there. */
export async function putIdentityKey(tx: Queryable, stored: string): Promise<void> {
  await tx.query(
    `INSERT INTO identity.secret (name, sealed) VALUES ('wrapped-key', $1)
     ON CONFLICT (tenant, name) DO UPDATE SET sealed = excluded.sealed`,
    [Buffer.from(stored)],
  );
}

/** How many keys are wrapped under an epoch that is none of these, so that nothing opens them. */
export async function countOutside(db: Queryable, openable: readonly number[]): Promise<number> {
  const [row] = await db.query<{ readonly count: number }>(
    "SELECT count(*) AS count FROM keyring.data_key WHERE NOT kek_epoch = ANY ($1::int[])",
    [openable],
  );
  return row?.count ?? 0;
}
