import { toIso, type Instant } from "#core/clock.ts";
import type { Queryable } from "#storage/database.ts";

export interface Posture {
  readonly id: string;
  readonly jkt: string;
  /** Who manages the device, by the name that the operator gave. */
  readonly manager: string;
  readonly healthy: boolean;
  readonly saidAt: Instant;
  readonly validUntil: Instant;
}

/**
 * Keeps what a manager says of a key's device. False, and nothing is kept, when it has said
 * something as new or newer before, does not manage the device, or the device is lost.
 */
export async function keepPosture(tx: Queryable, posture: Posture): Promise<boolean> {
  const kept = await tx.query<{ readonly id: string }>(
    `INSERT INTO identity.device_evidence AS known
        (id, jkt, kind, subject, healthy, made_at, valid_until)
      SELECT $1::uuid, key.jkt, 'posture', key.managed_by, $4::boolean, $5::timestamptz,
        $6::timestamptz
      FROM identity.device_key AS key
      WHERE key.jkt = $2 AND key.managed_by = $3 AND key.lost_at IS NULL FOR SHARE
      ON CONFLICT (tenant, jkt, kind, subject) DO UPDATE SET healthy = excluded.healthy,
        made_at = excluded.made_at, valid_until = excluded.valid_until, revoked_at = NULL
      WHERE known.made_at < excluded.made_at
      RETURNING known.id`,
    [
      posture.id,
      posture.jkt,
      posture.manager,
      posture.healthy,
      toIso(posture.saidAt),
      toIso(posture.validUntil),
    ],
  );
  return kept.length === 1;
}

/** What others than the present manager said of the device counts no more. */
export async function revokeOthersPostures(
  tx: Queryable,
  jkt: string,
  { manager, now }: { readonly manager: string; readonly now: Instant },
): Promise<void> {
  await tx.query(
    `UPDATE identity.device_evidence SET revoked_at = $3
      WHERE jkt = $1 AND kind = 'posture' AND subject <> $2 AND revoked_at IS NULL`,
    [jkt, manager, toIso(now)],
  );
}
