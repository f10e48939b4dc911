import { toIso, type Instant } from "#core/clock.ts";
import { attestationWays, levelOf, type Evidence } from "#identity/devices/ladder.ts";
import type { Queryable } from "#storage/database.ts";

type EvidenceRow = {
  readonly jkt: string;
  readonly kind: string;
  readonly healthy: boolean | null;
  readonly validUntil: Instant;
};

function evidenceOf({ kind, healthy, validUntil }: EvidenceRow): Evidence | null {
  if (kind === "certificate") return { kind, validUntil };
  if (kind === "posture") return { kind, healthy: healthy === true, validUntil };
  const way = attestationWays.find((known) => known === kind);
  return way === undefined ? null : { kind: way, validUntil };
}

/** What stands for or against these keys, by key. */
export async function evidenceOfKeys(
  db: Queryable,
  jkts: readonly string[],
): Promise<ReadonlyMap<string, readonly Evidence[]>> {
  const found = new Map<string, Evidence[]>();
  if (jkts.length === 0) return found;
  const rows = await db.query<EvidenceRow>(
    `SELECT jkt, kind, healthy, valid_until AS "validUntil" FROM identity.device_evidence
      WHERE jkt = ANY ($1::text[]) AND revoked_at IS NULL`,
    [jkts],
  );
  for (const row of rows) {
    const evidence = evidenceOf(row);
    if (evidence === null) continue;
    const known = found.get(row.jkt);
    if (known === undefined) found.set(row.jkt, [evidence]);
    else known.push(evidence);
  }
  return found;
}

/**
 * Puts the devices of a key on the rung that its evidence gives them now; their sessions are told
 * anew where that is another one. A device without a key stays on rung 0.
 */
export async function settleLevel(tx: Queryable, jkt: string, now: Instant): Promise<void> {
  const [key] = await tx.query<{ readonly lostAt: Instant | null }>(
    `SELECT lost_at AS "lostAt" FROM identity.device_key WHERE jkt = $1 FOR SHARE`,
    [jkt],
  );
  const evidence = (await evidenceOfKeys(tx, [jkt])).get(jkt) ?? [];
  const isLost = key !== undefined && key.lostAt !== null;
  const level = levelOf({ hasKey: true, isLost, evidence }, now);
  await tx.query(
    `UPDATE identity.device SET level = $2
      WHERE jkt = $1 AND level <> $2 AND (level > 0 OR $2 = 0)`,
    [jkt, level],
  );
}

/** Withdraws all that stands for a key. */
export async function revokeEvidence(tx: Queryable, jkt: string, now: Instant): Promise<void> {
  await tx.query(
    "UPDATE identity.device_evidence SET revoked_at = $2 WHERE jkt = $1 AND revoked_at IS NULL",
    [jkt, toIso(now)],
  );
}
