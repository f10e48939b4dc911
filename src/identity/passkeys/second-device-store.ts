import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export type WaitingRow = {
  readonly id: string;
  readonly credentialId: Buffer;
  readonly nameSealed: Buffer;
  readonly madeAt: Instant;
};

/** Passkeys of second devices that wait to be confirmed and were made after `since`. */
export async function waitingPasskeys(
  db: Queryable,
  account: AccountId,
  since: Instant,
): Promise<readonly WaitingRow[]> {
  return db.query<WaitingRow>(
    `SELECT id, credential_id AS "credentialId", name_sealed AS "nameSealed",
        created_at AS "madeAt"
      FROM identity.passkey WHERE account = $1 AND NOT usable AND created_at > $2
      ORDER BY created_at, id`,
    [account, toIso(since)],
  );
}

/** Whether it waited still; from now on its owner signs in with it. */
export async function confirmPasskey(
  tx: Queryable,
  account: AccountId,
  id: string,
  since: Instant,
): Promise<boolean> {
  const confirmed = await tx.query<{ readonly id: string }>(
    `UPDATE identity.passkey SET usable = true
      WHERE account = $1 AND id::text = $2 AND NOT usable AND created_at > $3 RETURNING id`,
    [account, id, toIso(since)],
  );
  return confirmed.length === 1;
}

/** Whether it waited still; it is gone. */
export async function dropWaiting(db: Queryable, account: AccountId, id: string): Promise<boolean> {
  const dropped = await db.query<{ readonly id: string }>(
    `DELETE FROM identity.passkey WHERE account = $1 AND id::text = $2 AND NOT usable RETURNING id`,
    [account, id],
  );
  return dropped.length === 1;
}

/** Forgets passkeys that nobody confirmed in time. */
export async function dropUnconfirmed(
  db: Queryable,
  account: AccountId,
  before: Instant,
): Promise<void> {
  await db.query(
    "DELETE FROM identity.passkey WHERE account = $1 AND NOT usable AND created_at <= $2",
    [account, toIso(before)],
  );
}
