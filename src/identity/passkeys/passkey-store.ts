import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export type PasskeyRow = {
  readonly credentialId: Buffer;
  readonly account: string;
  readonly publicKey: Buffer;
  readonly counter: number;
  readonly transports: readonly string[];
  /** SHA-256 of the root that vouched for its hardware, and until when; both null when none did. */
  readonly attestedRoot: Buffer | null;
  readonly attestedUntil: Instant | null;
};

export async function findPasskey(db: Queryable, credentialId: Buffer): Promise<PasskeyRow | null> {
  const [row] = await db.query<PasskeyRow>({
    name: "identity-passkey",
    text: `SELECT credential_id AS "credentialId", account, public_key AS "publicKey", counter,
        transports, attested_root AS "attestedRoot", attested_until AS "attestedUntil"
      FROM identity.passkey WHERE credential_id = $1 AND usable`,
    values: [credentialId],
  });
  return row ?? null;
}

export async function passkeysOf(
  db: Queryable,
  account: AccountId,
): Promise<readonly Pick<PasskeyRow, "credentialId" | "transports">[]> {
  return db.query<Pick<PasskeyRow, "credentialId" | "transports">>(
    `SELECT credential_id AS "credentialId", transports FROM identity.passkey WHERE account = $1`,
    [account],
  );
}

export interface NewPasskey extends PasskeyRow {
  readonly nameSealed: Buffer;
  readonly aaguid: string;
  readonly backedUp: boolean;
  readonly createdAt: Instant;
  /** False for one that waits for the first device to confirm it. */
  readonly usable: boolean;
}

/** Whether it was stored: false when the credential is known already. */
export async function insertPasskey(db: Queryable, passkey: NewPasskey): Promise<boolean> {
  const stored = await db.query<{ readonly account: string }>(
    `INSERT INTO identity.passkey (credential_id, account, public_key, counter, transports,
        name_sealed, aaguid, backed_up, created_at, usable, attested_root, attested_until)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING account`,
    [
      passkey.credentialId,
      passkey.account,
      passkey.publicKey,
      passkey.counter,
      passkey.transports,
      passkey.nameSealed,
      passkey.aaguid,
      passkey.backedUp,
      toIso(passkey.createdAt),
      passkey.usable,
      passkey.attestedRoot,
      passkey.attestedUntil === null ? null : toIso(passkey.attestedUntil),
    ],
  );
  return stored.length === 1;
}

export interface PasskeyUse {
  readonly credentialId: Buffer;
  readonly counterBefore: number;
  readonly counterNow: number;
  readonly now: Instant;
}

/** Whether the counter still was what it was when the answer was checked: two answers at once cannot both count. */
export async function usePasskey(db: Queryable, use: PasskeyUse): Promise<boolean> {
  const used = await db.query<{ readonly account: string }>(
    `UPDATE identity.passkey SET counter = $3, last_used_at = $4
      WHERE credential_id = $1 AND counter = $2 RETURNING account`,
    [use.credentialId, use.counterBefore, use.counterNow, toIso(use.now)],
  );
  return used.length === 1;
}
