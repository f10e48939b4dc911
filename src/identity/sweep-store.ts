import { laterBy, toIso, type Instant } from "#core/clock.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Queryable } from "#storage/database.ts";

interface Sweep {
  readonly table: string;
  readonly key: string;
  /** Tells when a row is of no use any more. */
  readonly column: string;
  /** How long it stays after. */
  readonly keptMs: number;
  /** Which rows; all when left out. */
  readonly only?: string;
}

const sweeps: readonly Sweep[] = [
  { table: "oidc", key: "tenant, model, id", column: "expires_at", keptMs: 0 },
  { table: "sign_in", key: "tenant, interaction", column: "expires_at", keptMs: 0 },
  { table: "attempt", key: "tenant, subject", column: "forgotten_at", keptMs: 0 },
  { table: "app_launch", key: "tenant, token_hash", column: "expires_at", keptMs: 0 },
  { table: "app_grant", key: "tenant, id", column: "ends_at", keptMs: 0 },
  { table: "enrolment", key: "tenant, token_hash", column: "expires_at", keptMs: 0 },
  { table: "invitation", key: "tenant, code_blind", column: "expires_at", keptMs: 0 },
  { table: "kiosk_ticket", key: "tenant, code_blind", column: "expires_at", keptMs: 0 },
  { table: "passkey_offer", key: "tenant, session", column: "ends_at", keptMs: 0 },
  { table: "outside_attempt", key: "tenant, interaction", column: "expires_at", keptMs: 0 },
  { table: "outside_waiting", key: "tenant, reference", column: "expires_at", keptMs: 0 },
  {
    table: "device_evidence",
    key: "tenant, id",
    column: "valid_until",
    keptMs: identityLimits.endedSessionMs,
  },
  { table: "recovery", key: "tenant, id", column: "expires_at", keptMs: identityLimits.noticeMs },
  // Anybody may begin one that is nobody's.
  {
    table: "recovery",
    key: "tenant, id",
    column: "expires_at",
    keptMs: 0,
    only: "account IS NULL",
  },
  {
    table: "offline_lease",
    key: "tenant, id",
    column: "ended_at",
    keptMs: identityLimits.endedSessionMs,
    only: "told_at IS NOT NULL",
  },
  { table: "notice", key: "tenant, id", column: "at", keptMs: identityLimits.noticeMs },
  {
    table: "session",
    key: "tenant, id",
    column: "ends_at",
    keptMs: identityLimits.endedSessionMs,
  },
];

/** Deletes what has expired, at most `sweepRows` of each table at a time; answers how many rows went. */
export async function sweep(db: Queryable, now: Instant): Promise<number> {
  let gone = 0;
  for (const { table, key, column, keptMs, only = "true" } of sweeps) {
    const rows = await db.query<{ readonly gone: number }>(
      `DELETE FROM identity.${table} WHERE (${key}) IN (
        SELECT ${key} FROM identity.${table} WHERE ${column} < $1 AND ${only} LIMIT $2) RETURNING 1 AS gone`,
      [toIso(laterBy(now, -keptMs)), identityLimits.sweepRows],
    );
    gone += rows.length;
  }
  return gone;
}
