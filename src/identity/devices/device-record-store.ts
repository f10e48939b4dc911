import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId, DeviceId } from "#core/ids.ts";
import { endLeases } from "#identity/offline/lease-store.ts";
import { lives } from "#identity/sessions/session-store.ts";
import type { Queryable } from "#storage/database.ts";

/** A device as it is shown: the row of one account's use of one key, with its newest session. */
export type DeviceRow = {
  readonly id: string;
  readonly account: string;
  readonly jkt: string;
  readonly kind: string;
  readonly level: number;
  readonly nameSealed: Buffer | null;
  readonly firstSeen: Instant;
  readonly lastSeen: Instant;
  readonly managedBy: string | null;
  readonly lostAt: Instant | null;
  /** Of the newest session; null when none is kept any more. */
  readonly login: Buffer | null;
  readonly seenSealed: Buffer | null;
  readonly clients: readonly string[] | null;
  readonly isSignedIn: boolean;
  readonly accountKind: string;
  readonly ownerName: Buffer;
};

/** `$n` is the time now. */
const deviceRows = (now: string): string => `
  SELECT device.id, device.account, device.jkt, device.kind, device.level,
    device.name_sealed AS "nameSealed", device.first_seen AS "firstSeen",
    greatest(device.last_seen, newest.last_seen) AS "lastSeen",
    key.managed_by AS "managedBy", key.lost_at AS "lostAt",
    newest.login, newest.seen_sealed AS "seenSealed", newest.client_ids AS clients,
    EXISTS (SELECT FROM identity.session
      WHERE session.tenant = device.tenant AND session.device = device.id AND ${lives(now)}
    ) AS "isSignedIn",
    account.kind AS "accountKind", account.display_name_sealed AS "ownerName"
  FROM identity.device
  JOIN identity.account ON account.tenant = device.tenant AND account.id = device.account
  LEFT JOIN identity.device_key AS key ON key.tenant = device.tenant AND key.jkt = device.jkt
  LEFT JOIN LATERAL (
    SELECT login, seen_sealed, client_ids, last_seen FROM identity.session
    WHERE session.tenant = device.tenant AND session.device = device.id
    ORDER BY last_seen DESC, id LIMIT 1
  ) AS newest ON true`;

/** Devices that the account has used and not forgotten, last used first. */
export async function devicesOf(
  db: Queryable,
  account: AccountId,
  { now, limit }: { readonly now: Instant; readonly limit: number },
): Promise<readonly DeviceRow[]> {
  return db.query<DeviceRow>(
    `${deviceRows("$2")} WHERE device.account = $1 AND device.forgotten_at IS NULL
      ORDER BY "lastSeen" DESC, device.id LIMIT $3`,
    [account, toIso(now), limit],
  );
}

export async function findDevice(
  db: Queryable,
  id: DeviceId,
  now: Instant,
): Promise<DeviceRow | null> {
  const [row] = await db.query<DeviceRow>(`${deviceRows("$2")} WHERE device.id = $1`, [
    id,
    toIso(now),
  ]);
  return row ?? null;
}

/** What is null does not narrow the search. */
export interface DeviceQuery {
  readonly account: AccountId | null;
  readonly isLost: boolean | null;
  readonly managedBy: string | null;
  readonly leastLevel: number | null;
  readonly mostLevel: number | null;
  /** Goes on after this device, which is newer than those after it. */
  readonly after: DeviceId | null;
  readonly now: Instant;
  readonly limit: number;
}

/** Newest first. */
export async function findDevices(
  db: Queryable,
  asked: DeviceQuery,
): Promise<readonly DeviceRow[]> {
  return db.query<DeviceRow>(
    `${deviceRows("$1")}
      WHERE ($2::uuid IS NULL OR device.account = $2)
        AND ($3::boolean IS NULL OR (key.lost_at IS NOT NULL) = $3)
        AND ($4::text IS NULL OR key.managed_by = $4)
        AND ($5::integer IS NULL OR device.level >= $5)
        AND ($6::integer IS NULL OR device.level <= $6)
        AND ($7::uuid IS NULL OR (device.first_seen, device.id) <
          (SELECT first_seen, id FROM identity.device WHERE id = $7))
      ORDER BY device.first_seen DESC, device.id DESC LIMIT $8`,
    [
      toIso(asked.now),
      asked.account,
      asked.isLost,
      asked.managedBy,
      asked.leastLevel,
      asked.mostLevel,
      asked.after,
      asked.limit,
    ],
  );
}

/** Whether it is a device of the account, and is called so now. */
export async function nameDevice(
  db: Queryable,
  { id, account, nameSealed }: { id: DeviceId; account: AccountId; nameSealed: Buffer },
): Promise<boolean> {
  const named = await db.query(
    "UPDATE identity.device SET name_sealed = $3 WHERE id = $1 AND account = $2 RETURNING id",
    [id, account, nameSealed],
  );
  return named.length === 1;
}

/**
 * The device is shown no more until it is used again; whether it was one of the account. Whoever
 * was signed in there is so no more.
 */
export async function forgetDevice(
  tx: Queryable,
  { id, account, now }: { id: DeviceId; account: AccountId; now: Instant },
): Promise<boolean> {
  const forgotten = await tx.query(
    `UPDATE identity.device SET forgotten_at = $3, name_sealed = NULL
      WHERE id = $1 AND account = $2 RETURNING id`,
    [id, account, toIso(now)],
  );
  if (forgotten.length === 0) return false;
  await endLeases(tx, { device: id }, { reason: "forgotten", now });
  await tx.query(
    `DELETE FROM identity.oidc WHERE grant_id IN (
      SELECT grant_id FROM identity.session WHERE device = $1 AND ended_at IS NULL)`,
    [id],
  );
  await tx.query(
    "UPDATE identity.session SET ended_at = $2 WHERE device = $1 AND ended_at IS NULL",
    [id, toIso(now)],
  );
  return true;
}
