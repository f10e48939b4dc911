import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export interface LaunchKey {
  readonly token: Buffer;
  readonly account: AccountId;
  readonly client: string;
}

export async function insertLaunch(
  db: Queryable,
  row: LaunchKey & { readonly patientSealed: Buffer; readonly expiresAt: Instant },
): Promise<void> {
  await db.query(
    `INSERT INTO identity.app_launch (token_hash, account, client, patient_sealed, expires_at)
      VALUES ($1, $2, $3, $4, $5)`,
    [row.token, row.account, row.client, row.patientSealed, toIso(row.expiresAt)],
  );
}

/** Null when there is none of this account for this app, or it has expired. */
export async function findLaunch(
  db: Queryable,
  { token, account, client }: LaunchKey,
  now: Instant,
): Promise<Buffer | null> {
  const [row] = await db.query<{ readonly patient: Buffer }>(
    `SELECT patient_sealed AS patient FROM identity.app_launch
      WHERE token_hash = $1 AND account = $2 AND client = $3 AND expires_at > $4`,
    [token, account, client, toIso(now)],
  );
  return row?.patient ?? null;
}

/** Whether it was there: of two requests at once, one gets false. */
export async function dropLaunch(db: Queryable, token: Buffer): Promise<boolean> {
  const dropped = await db.query<{ readonly client: string }>(
    "DELETE FROM identity.app_launch WHERE token_hash = $1 RETURNING client",
    [token],
  );
  return dropped.length === 1;
}
