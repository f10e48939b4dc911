import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId, SessionId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export type OwnPasskeyRow = {
  readonly id: string;
  readonly credentialId: Buffer;
  readonly nameSealed: Buffer;
  readonly backedUp: boolean;
  readonly createdAt: Instant;
  readonly lastUsedAt: Instant | null;
};

/** The passkeys that the account may sign in with, oldest first. */
export async function listPasskeys(
  db: Queryable,
  account: AccountId,
): Promise<readonly OwnPasskeyRow[]> {
  return db.query<OwnPasskeyRow>(
    `SELECT id, credential_id AS "credentialId", name_sealed AS "nameSealed",
        backed_up AS "backedUp", created_at AS "createdAt", last_used_at AS "lastUsedAt"
      FROM identity.passkey WHERE account = $1 AND usable ORDER BY created_at, id`,
    [account],
  );
}

export interface PasskeyOffer {
  readonly session: SessionId;
  readonly challenge: Buffer;
  readonly endsAt: Instant;
}

/** Keeps the challenge for one more passkey; an older one of this session counts no more. */
export async function putOffer(db: Queryable, offer: PasskeyOffer): Promise<void> {
  await db.query(
    `INSERT INTO identity.passkey_offer (session, challenge, ends_at) VALUES ($1, $2, $3)
      ON CONFLICT (tenant, session) DO UPDATE SET
        challenge = excluded.challenge, ends_at = excluded.ends_at`,
    [offer.session, offer.challenge, toIso(offer.endsAt)],
  );
}

/** Takes the challenge out; null when there is none, or it is too old. */
export async function takeOffer(
  db: Queryable,
  session: SessionId,
  now: Instant,
): Promise<Buffer | null> {
  const [row] = await db.query<{ readonly challenge: Buffer; readonly endsAt: Instant }>(
    `DELETE FROM identity.passkey_offer WHERE session = $1
      RETURNING challenge, ends_at AS "endsAt"`,
    [session],
  );
  return row === undefined || row.endsAt <= now ? null : row.challenge;
}

/** Whether it was the account's and is named so now. */
export async function renamePasskey(
  db: Queryable,
  credentialId: Buffer,
  nameSealed: Buffer,
): Promise<boolean> {
  const renamed = await db.query<{ readonly id: string }>(
    "UPDATE identity.passkey SET name_sealed = $2 WHERE credential_id = $1 RETURNING id",
    [credentialId, nameSealed],
  );
  return renamed.length === 1;
}

/**
 * Waits until nobody else changes how this account signs in, and keeps others waiting until the
 * transaction ends: of two factors removed at once, the second is seen to be the last.
 */
export async function lockFactors(tx: Queryable, account: AccountId): Promise<void> {
  await tx.query("SELECT id FROM identity.account WHERE id = $1 FOR NO KEY UPDATE", [account]);
}

/** Whether the account can sign in by password and code. */
export async function hasPassword(db: Queryable, account: AccountId): Promise<boolean> {
  const rows = await db.query<{ readonly account: string }>(
    `SELECT password.account FROM identity.password
      JOIN identity.totp ON totp.tenant = password.tenant AND totp.account = password.account
      WHERE password.account = $1`,
    [account],
  );
  return rows.length === 1;
}

export async function deletePasskey(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM identity.passkey WHERE id = $1", [id]);
}
