import { toIso, type Instant } from "#core/clock.ts";
import { settleLevel } from "#identity/devices/evidence-store.ts";
import type { Queryable } from "#storage/database.ts";

export interface KeyAttestation {
  readonly id: string;
  readonly jkt: string;
  /** The passkey's credential id. */
  readonly subject: string;
  readonly now: Instant;
  readonly validUntil: Instant;
}

/** The key was shown together with a passkey of attested hardware. */
export async function keepAttestation(db: Queryable, attested: KeyAttestation): Promise<void> {
  await db.query(
    `INSERT INTO identity.device_evidence (id, jkt, kind, subject, made_at, valid_until)
      VALUES ($1, $2, 'webauthn', $3, $4, $5)
      ON CONFLICT (tenant, jkt, kind, subject) DO UPDATE SET
        made_at = excluded.made_at, valid_until = excluded.valid_until, revoked_at = NULL`,
    [attested.id, attested.jkt, attested.subject, toIso(attested.now), toIso(attested.validUntil)],
  );
}

/** What stood on this passkey counts no more. */
export async function withdrawAttestation(
  tx: Queryable,
  subject: string,
  now: Instant,
): Promise<void> {
  const keys = await tx.query<{ readonly jkt: string }>(
    `UPDATE identity.device_evidence SET revoked_at = $2
      WHERE kind = 'webauthn' AND subject = $1 AND revoked_at IS NULL RETURNING jkt`,
    [subject, toIso(now)],
  );
  for (const { jkt } of keys) await settleLevel(tx, jkt, now);
}
