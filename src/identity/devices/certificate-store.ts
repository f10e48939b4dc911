import { toIso, type Instant } from "#core/clock.ts";
import type { Queryable } from "#storage/database.ts";

/** How a key stands to certificates, given the one that came with the request. */
export type KeyBinding =
  /** It was never given one. */
  | "unbound"
  /** The one that came is its own, and valid. */
  | "shown"
  /** It has one, and none of its own came. */
  | "missing";

/** Whether the certificate with this thumbprint is a valid one of `key`; `$n` each, of thumbprint and time. */
export const showsCertificate = (thumbprint: string, now: string): string => `EXISTS (
  SELECT FROM identity.device_evidence AS evidence
  WHERE evidence.tenant = key.tenant AND evidence.jkt = key.jkt AND kind = 'certificate'
    AND subject = ${thumbprint} AND revoked_at IS NULL AND valid_until > ${now})`;

/** `thumbprint` is of the certificate that the gateway saw; null when it saw none. */
export async function keyBinding(
  db: Queryable,
  { jkt, thumbprint, now }: { jkt: string; thumbprint: string | null; now: Instant },
): Promise<KeyBinding> {
  const [key] = await db.query<{ readonly isShown: boolean }>({
    name: "identity-key-binding",
    text: `SELECT ${showsCertificate("$2", "$3")} AS "isShown"
      FROM identity.device_key AS key WHERE jkt = $1 AND bound_at IS NOT NULL`,
    values: [jkt, thumbprint, toIso(now)],
  });
  if (key === undefined) return "unbound";
  return key.isShown ? "shown" : "missing";
}

export interface IssuedCertificate {
  readonly id: string;
  readonly jkt: string;
  readonly thumbprint: string;
  readonly endsAt: Instant;
  readonly now: Instant;
}

/** The key is good only with a valid certificate from now on. */
export async function keepCertificate(tx: Queryable, issued: IssuedCertificate): Promise<void> {
  await tx.query(
    `INSERT INTO identity.device_evidence (id, jkt, kind, subject, made_at, valid_until)
      VALUES ($1, $2, 'certificate', $3, $4, $5)`,
    [issued.id, issued.jkt, issued.thumbprint, toIso(issued.now), toIso(issued.endsAt)],
  );
  await tx.query(
    "UPDATE identity.device_key SET bound_at = coalesce(bound_at, $2) WHERE jkt = $1",
    [issued.jkt, toIso(issued.now)],
  );
}

/** Who manages the key's device from now on; with nobody it is bound to no certificate any more. */
export async function setManager(
  tx: Queryable,
  jkt: string,
  managedBy: string | null,
): Promise<void> {
  await tx.query(
    `INSERT INTO identity.device_key AS key (jkt, managed_by) VALUES ($1, $2)
      ON CONFLICT (tenant, jkt) DO UPDATE SET managed_by = excluded.managed_by,
        bound_at = CASE WHEN excluded.managed_by IS NULL THEN NULL ELSE key.bound_at END`,
    [jkt, managedBy],
  );
}

/** Keys that stand higher than evidence which ended since then may let them, at most `limit`. */
export async function keysWithEndedEvidence(
  db: Queryable,
  { since, now, limit }: { readonly since: Instant; readonly now: Instant; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.query<{ readonly jkt: string }>(
    `SELECT DISTINCT evidence.jkt FROM identity.device_evidence AS evidence
      JOIN identity.device ON device.tenant = evidence.tenant AND device.jkt = evidence.jkt
      WHERE valid_until <= $1 AND valid_until > $2 AND revoked_at IS NULL AND level > 1 LIMIT $3`,
    [toIso(now), toIso(since), limit],
  );
  return rows.map(({ jkt }) => jkt);
}
