import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";

/** Stores new codes; those from before no longer work. */
export async function replaceCodes(
  tx: Queryable,
  account: AccountId,
  hashes: readonly Buffer[],
): Promise<void> {
  await tx.query("DELETE FROM identity.recovery_code WHERE account = $1", [account]);
  await tx.query(
    `INSERT INTO identity.recovery_code (code_hash, account)
      SELECT unnest($1::bytea[]), $2::uuid`,
    [hashes, account],
  );
}

export async function codesLeft(db: Queryable, account: AccountId): Promise<number> {
  const [row] = await db.query<{ readonly left: number }>(
    `SELECT count(*) AS left FROM identity.recovery_code WHERE account = $1 AND used_at IS NULL`,
    [account],
  );
  invariant(row !== undefined, "counting codes answers one row");
  return row.left;
}

/** The active account whose code it is, used from now on; null when it is nobody's or was used. */
export async function useCode(db: Queryable, hash: Buffer, now: Instant): Promise<string | null> {
  const [row] = await db.query<{ readonly account: string }>(
    `UPDATE identity.recovery_code AS code SET used_at = $2
      FROM identity.account
      WHERE code.code_hash = $1 AND code.used_at IS NULL
        AND account.tenant = code.tenant AND account.id = code.account AND account.status = 'active'
      RETURNING code.account`,
    [hash, toIso(now)],
  );
  return row?.account ?? null;
}

/** Whether this very account had this code unused; it is used from now on. */
export async function useCodeOf(
  db: Queryable,
  account: AccountId,
  hash: Buffer,
  now: Instant,
): Promise<boolean> {
  const used = await db.query<{ readonly account: string }>(
    `UPDATE identity.recovery_code SET used_at = $3
      WHERE code_hash = $1 AND account = $2 AND used_at IS NULL RETURNING account`,
    [hash, account, toIso(now)],
  );
  return used.length === 1;
}
