import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId, DeviceId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import type { DeviceKind } from "#identity/sessions/log-off.ts";
import type { Queryable } from "#storage/database.ts";

export interface SeenDevice {
  /** Taken when the key was never seen with this account. */
  readonly id: string;
  readonly account: AccountId;
  readonly jkt: string;
  /** Of the device ladder: 1 with a key of its own, 0 without. */
  readonly level: 0 | 1;
  readonly now: Instant;
}

export type KnownDevice = { readonly id: string; readonly kind: DeviceKind };

/**
 * The device with this key, known from now on at its level of the device ladder. A key that is a
 * kiosk's with one account is so with every other. Null when the key was lost: call it within the
 * transaction that begins the session, so that a loss told at the same moment ends that session.
 */
export async function seeDevice(tx: Queryable, seen: SeenDevice): Promise<KnownDevice | null> {
  if (await isLostKey(tx, seen.jkt)) return null;
  const [row] = await tx.query<KnownDevice>(
    `INSERT INTO identity.device (id, account, jkt, kind, level, first_seen, last_seen)
      SELECT $1::uuid, $2::uuid, $3::text,
        CASE WHEN EXISTS (SELECT FROM identity.device WHERE jkt = $3::text AND kind = 'kiosk')
          THEN 'kiosk' ELSE 'browser' END,
        $5::integer, $4::timestamptz, $4::timestamptz
      ON CONFLICT (tenant, account, jkt) DO UPDATE SET
        last_seen = excluded.last_seen, forgotten_at = NULL
      RETURNING id, kind`,
    [seen.id, seen.account, seen.jkt, toIso(seen.now), seen.level],
  );
  invariant(row !== undefined, "a device that was just seen is gone");
  return row;
}

/** Whether the key was lost; whoever says so later waits for the end of this transaction. */
async function isLostKey(tx: Queryable, jkt: string): Promise<boolean> {
  await tx.query("INSERT INTO identity.device_key (jkt) VALUES ($1) ON CONFLICT DO NOTHING", [jkt]);
  // A statement of its own, so that it sees what the one before may have waited for.
  const [key] = await tx.query<{ readonly lostAt: Instant | null }>(
    `SELECT lost_at AS "lostAt" FROM identity.device_key WHERE jkt = $1 FOR SHARE`,
    [jkt],
  );
  invariant(key !== undefined, "a key that was just kept is gone");
  return key.lostAt !== null;
}

/** Sets the kind of the device for everybody who used it. */
export async function setDeviceKind(
  db: Queryable,
  device: DeviceId,
  kind: DeviceKind,
): Promise<void> {
  await db.query(
    `UPDATE identity.device SET kind = $2
      WHERE jkt = (SELECT jkt FROM identity.device WHERE id = $1)`,
    [device, kind],
  );
}
