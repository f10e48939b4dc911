import { laterBy, toIso, type Instant } from "#core/clock.ts";
import type { AccountId, DeviceId, ResourceId } from "#core/ids.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Queryable } from "#storage/database.ts";

/** Why a lease can be renewed no more. */
export type LeaseEnd =
  | "switched-off"
  | "signed-out"
  | "forgotten"
  | "lost"
  | "replaced"
  | "not-own"
  | "unused";

export type LeaseRow = {
  readonly id: string;
  readonly account: string;
  readonly device: string;
  readonly patient: string;
  readonly givenAt: Instant;
  readonly renewedAt: Instant;
  readonly endsAt: Instant;
};

const columns = `lease.id, lease.account, lease.device, lease.patient, lease.given_at AS "givenAt",
  lease.renewed_at AS "renewedAt", lease.ends_at AS "endsAt"`;

/** Whose leases end. A browser's are those of all devices that were signed in with it. */
export type LeasesOf =
  | { readonly id: string }
  | { readonly account: AccountId }
  | { readonly browser: Buffer }
  | { readonly device: DeviceId }
  /** Of all who used the device with this key. */
  | { readonly jkt: string };

function which(of: LeasesOf): { readonly where: string; readonly value: unknown } {
  if ("id" in of) return { where: "id = $1", value: of.id };
  if ("account" in of) return { where: "account = $1", value: of.account };
  if ("device" in of) return { where: "device = $1", value: of.device };
  return "jkt" in of
    ? { where: "device IN (SELECT id FROM identity.device WHERE jkt = $1)", value: of.jkt }
    : {
        where: "device IN (SELECT device FROM identity.session WHERE browser = $1)",
        value: of.browser,
      };
}

/** Ends leases for good: what was kept under them is deleted at the device's next connection. */
export async function endLeases(
  tx: Queryable,
  of: LeasesOf,
  { reason, now }: { readonly reason: LeaseEnd; readonly now: Instant },
): Promise<number> {
  const { where, value } = which(of);
  const ended = await tx.query(
    `UPDATE identity.offline_lease SET ended_at = $2, end_reason = $3, told_at = NULL
      WHERE ${where} AND ended_at IS NULL RETURNING id`,
    [value, toIso(now), reason],
  );
  return ended.length;
}

export type LeasingDevice = {
  readonly jkt: string;
  readonly kind: string;
  readonly level: number;
  readonly lostAt: Instant | null;
};

/** The device as it stands; whoever says that it is lost waits for the end of this transaction. */
export async function leasingDevice(
  tx: Queryable,
  device: DeviceId,
  account: AccountId,
): Promise<LeasingDevice | null> {
  const [row] = await tx.query<LeasingDevice>(
    `SELECT device.jkt, device.kind, device.level, key.lost_at AS "lostAt"
      FROM identity.device
      JOIN identity.device_key AS key ON key.tenant = device.tenant AND key.jkt = device.jkt
      WHERE device.id = $1 AND device.account = $2 FOR SHARE OF key`,
    [device, account],
  );
  return row ?? null;
}

export interface NewLease {
  readonly id: string;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly patient: ResourceId;
  readonly now: Instant;
  readonly endsAt: Instant;
}

/** Whether there was none of this id. */
export async function insertLease(tx: Queryable, lease: NewLease): Promise<boolean> {
  const made = await tx.query(
    `INSERT INTO identity.offline_lease (id, account, device, patient, given_at, renewed_at, ends_at)
      VALUES ($1, $2, $3, $4, $5, $5, $6) ON CONFLICT DO NOTHING RETURNING id`,
    [lease.id, lease.account, lease.device, lease.patient, toIso(lease.now), toIso(lease.endsAt)],
  );
  return made.length === 1;
}

/** Those of the account that can still be renewed, newest first. */
export async function leasesOf(db: Queryable, account: AccountId): Promise<readonly LeaseRow[]> {
  return db.query<LeaseRow>(
    `SELECT ${columns} FROM identity.offline_lease AS lease
      WHERE account = $1 AND ended_at IS NULL ORDER BY given_at DESC, id LIMIT $2`,
    [account, identityLimits.offlineLeasesPerAccount],
  );
}

/** Puts off the end of a lease of this very device; null when it has none of this id. */
export async function renewLease(
  tx: Queryable,
  { id, account, device, now, endsAt }: Omit<NewLease, "patient">,
): Promise<LeaseRow | null> {
  const [row] = await tx.query<LeaseRow>(
    `UPDATE identity.offline_lease AS lease SET renewed_at = $4, ends_at = $5, told_at = NULL
      WHERE id = $1 AND account = $2 AND device = $3 AND ended_at IS NULL RETURNING ${columns}`,
    [id, account, device, toIso(now), toIso(endsAt)],
  );
  return row ?? null;
}

/** Whether there is a lease of this id that can still be renewed. */
export async function isStanding(db: Queryable, id: string): Promise<boolean> {
  const rows = await db.query(
    "SELECT id FROM identity.offline_lease WHERE id = $1 AND ended_at IS NULL",
    [id],
  );
  return rows.length === 1;
}

/** Ends leases that nobody has renewed for long. */
export async function endUnusedLeases(db: Queryable, now: Instant): Promise<void> {
  await db.query(
    `UPDATE identity.offline_lease SET ended_at = $1, end_reason = 'unused', told_at = NULL
      WHERE ended_at IS NULL AND ends_at < $2`,
    [toIso(now), toIso(laterBy(now, -identityLimits.offlineLapsedMs))],
  );
}

/** `endReason` is null for one that has only run out. */
export type UntoldLease = LeaseRow & { readonly endReason: LeaseEnd | null };

/**
 * Takes leases that have run out or ended and of which the log was not told; they count as told when
 * the transaction is committed.
 */
export async function takeUntold(tx: Queryable, now: Instant): Promise<readonly UntoldLease[]> {
  return tx.query<UntoldLease>(
    `UPDATE identity.offline_lease AS lease SET told_at = $1
      WHERE id IN (SELECT id FROM identity.offline_lease
        WHERE told_at IS NULL AND (ended_at IS NOT NULL OR ends_at <= $1)
        ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)
      RETURNING ${columns}, end_reason AS "endReason"`,
    [toIso(now), identityLimits.offlineLeasesToldAtOnce],
  );
}
