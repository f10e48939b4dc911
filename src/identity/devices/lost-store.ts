import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import { endLeases } from "#identity/offline/lease-store.ts";
import { withdrawAttestation } from "#identity/devices/attestation-store.ts";
import type { Queryable } from "#storage/database.ts";

/**
 * Shuts the key out for good and answers since when it is. A session that is just beginning with
 * it is waited for, so that the statements after this one see it.
 */
export async function markLost(
  tx: Queryable,
  jkt: string,
  { by, now }: { readonly by: string; readonly now: Instant },
): Promise<Instant> {
  const [row] = await tx.query<{ readonly lostAt: Instant }>(
    `INSERT INTO identity.device_key AS key (jkt, lost_at, lost_by) VALUES ($1, $2, $3)
      ON CONFLICT (tenant, jkt) DO UPDATE SET
        lost_at = coalesce(key.lost_at, excluded.lost_at),
        lost_by = coalesce(key.lost_by, excluded.lost_by)
      RETURNING lost_at AS "lostAt"`,
    [jkt, toIso(now), by],
  );
  invariant(row !== undefined, "a key that was just marked is gone");
  return row.lostAt;
}

export type KeyUse = { readonly id: string; readonly account: string };

/** By which ids the key stands in the log: one for each account that used it. */
export async function devicesOfKey(db: Queryable, jkt: string): Promise<readonly KeyUse[]> {
  return db.query<KeyUse>("SELECT id, account FROM identity.device WHERE jkt = $1 ORDER BY id", [
    jkt,
  ]);
}

type Ended = { readonly id: string; readonly grant: Buffer };

/**
 * Ends whatever the device holds: its sessions, those of the apps that its browsers were signed in
 * to, the sign-on cookies, codes and tokens of both, and what it may keep offline. Answers how many sessions.
 */
export async function endKeySessions(tx: Queryable, jkt: string, now: Instant): Promise<number> {
  await endLeases(tx, { jkt }, { reason: "lost", now });
  const browsers = await tx.query<{ readonly browser: Buffer }>(
    `SELECT DISTINCT session.browser FROM identity.session
      JOIN identity.device ON device.tenant = session.tenant AND device.id = session.device
      WHERE device.jkt = $1`,
    [jkt],
  );
  const held = browsers.map(({ browser }) => browser);
  const ended = await tx.query<Ended>(
    `UPDATE identity.session SET ended_at = $3
      WHERE ended_at IS NULL AND (browser = ANY ($2::bytea[])
        OR device IN (SELECT id FROM identity.device WHERE jkt = $1))
      RETURNING id, grant_id AS grant`,
    [jkt, held, toIso(now)],
  );
  await tx.query(
    "DELETE FROM identity.oidc WHERE browser = ANY ($1::bytea[]) OR grant_id = ANY ($2::bytea[])",
    [held, ended.map(({ grant }) => grant)],
  );
  return ended.length;
}

/** Links for a further device that wait, and passkeys that wait to be confirmed, may be the thief's. */
export async function dropPendingKeys(
  tx: Queryable,
  accounts: readonly string[],
  now: Instant,
): Promise<void> {
  await tx.query(
    `UPDATE identity.enrolment SET used_at = $2
      WHERE account = ANY ($1::uuid[]) AND purpose = 'second-device' AND used_at IS NULL`,
    [accounts, toIso(now)],
  );
  await tx.query("DELETE FROM identity.passkey WHERE account = ANY ($1::uuid[]) AND NOT usable", [
    accounts,
  ]);
}

/** Removes these passkeys of the account, and the levels that devices have from them; answers how many. */
export async function dropPasskeys(
  tx: Queryable,
  account: AccountId,
  { ids, now }: { readonly ids: readonly string[]; readonly now: Instant },
): Promise<number> {
  const gone = await tx.query<{ readonly credentialId: Buffer }>(
    `DELETE FROM identity.passkey WHERE account = $1 AND id = ANY ($2::uuid[])
      RETURNING credential_id AS "credentialId"`,
    [account, ids],
  );
  for (const { credentialId } of gone)
    await withdrawAttestation(tx, credentialId.toString("base64url"), now);
  return gone.length;
}
