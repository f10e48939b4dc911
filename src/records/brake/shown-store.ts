import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { PersonRole } from "#core/policy-request.ts";
import { brakeLimits } from "#records/brake/bounds.ts";
import type { Queryable } from "#storage/database.ts";

/** Actions that show somebody's record. */
export const lookingActions = ["read", "vread", "history", "search", "match", "export"] as const;

/** A patient shown, as the log has it. */
export interface ShownRow {
  readonly actor: string;
  readonly device: string | null;
  readonly patient: string;
  readonly time: number;
  /** Whether she was but listed. */
  readonly listed: boolean;
  readonly records: number;
}

// What is no column is read out of the leaf; only of those rows that are wanted.
const isListing = `(e.action IN ('search', 'match')
  AND convert_from(e.leaf, 'UTF8')::json ->> 'resourceType' = 'Patient')`;
const looks = `e.patient IS NOT NULL AND e.decision = 'permit'
  AND e.action IN (${lookingActions.map((action) => `'${action}'`).join(", ")})`;
const columns = `e.actor, e.device, e.patient, e.time, ${isListing} AS listed,
  (convert_from(e.leaf, 'UTF8')::json ->> 'count')::int AS records`;

/** What a person was shown since a moment, newest first, at most so much. Throws what the driver throws. */
export async function readShown(
  db: Queryable,
  { account, since, limit }: { account: AccountId; since: number; limit: number },
): Promise<readonly ShownRow[]> {
  return db.query<ShownRow & Record<string, unknown>>({
    name: "brake-shown",
    text: `SELECT ${columns} FROM audit.entry e
      WHERE e.actor = $1 AND e.time >= $2 AND ${looks} ORDER BY e.time DESC LIMIT $3`,
    values: [account, since, limit],
  });
}

/** Another process's log and how far it goes. */
export interface OtherLog {
  readonly id: number;
  readonly head: number;
}

/** Logs of the tenant beside one's own. Throws what the driver throws. */
export async function readOtherLogs(db: Queryable, origin: string): Promise<readonly OtherLog[]> {
  return db.query<OtherLog & Record<string, unknown>>({
    name: "brake-other-logs",
    text: `SELECT l.id, coalesce((SELECT max(e.seq) FROM audit.entry e WHERE e.log_id = l.id), -1) AS head
      FROM audit.log l WHERE l.origin <> $1`,
    values: [origin],
  });
}

/** What one log says was shown after a place and up to another, in order. Throws what the driver throws. */
export async function readShownIn(
  db: Queryable,
  { log, after, upTo }: { log: number; after: number; upTo: number },
): Promise<readonly (ShownRow & { readonly seq: number })[]> {
  return db.query<ShownRow & { seq: number } & Record<string, unknown>>({
    name: "brake-shown-in",
    text: `SELECT e.seq, ${columns} FROM audit.entry e
      WHERE e.log_id = $1 AND e.seq > $2 AND e.seq <= $3 AND e.actor IS NOT NULL AND ${looks}
      ORDER BY e.seq LIMIT ${brakeLimits.othersRows}`,
    values: [log, after, upTo],
  });
}

export const learningLimits = {
  days: 28,
  /** Newest entries looked at: months of most people, days of the busiest. */
  entries: 50_000,
} as const;

/** Charts that a person was shown in each hour in which she was shown any. Throws what the driver throws. */
export async function readHours(
  db: Queryable,
  account: AccountId,
  now: Instant,
): Promise<readonly number[]> {
  const dayMs = 24 * 60 * 60_000;
  const rows = await db.query<{ charts: number }>({
    name: "brake-hours",
    text: `SELECT count(DISTINCT patient) AS charts
      FROM (SELECT e.time, e.patient FROM audit.entry e
        WHERE e.actor = $1 AND e.time >= $2 AND e.time < $3 AND ${looks} AND NOT ${isListing}
        ORDER BY e.time DESC LIMIT ${learningLimits.entries}) AS shown
      GROUP BY time / ${brakeLimits.windowMs}`,
    values: [account, now - learningLimits.days * dayMs, now - brakeLimits.windowMs],
  });
  return rows.map(({ charts }) => charts);
}

export interface UsualRow {
  readonly charts: number | null;
  readonly learnedAt: Instant | null;
  /** What the people of the role reach, nine of ten of them; null while too few are known. */
  readonly ofRole: number | null;
}

const peopleOfRole = 5;

/** What is known to be usual for a person and for her role. Throws what the driver throws. */
export async function readUsual(
  db: Queryable,
  account: AccountId,
  role: PersonRole,
): Promise<UsualRow> {
  const [row] = await db.query<{
    charts: number | null;
    learned_at: Instant | null;
    of_role: number | null;
  }>({
    name: "brake-usual",
    text: `SELECT u.charts, u.learned_at,
        (SELECT CASE WHEN count(r.charts) >= ${peopleOfRole}
            THEN (percentile_disc(0.9) WITHIN GROUP (ORDER BY r.charts)) END
          FROM records.brake_usual r WHERE r.role = $2 AND r.charts IS NOT NULL) AS of_role
      FROM (SELECT $1::uuid AS account) asked
        LEFT JOIN records.brake_usual u ON u.account = asked.account`,
    values: [account, role],
  });
  return {
    charts: row?.charts ?? null,
    learnedAt: row?.learned_at ?? null,
    ofRole: row?.of_role ?? null,
  };
}

/** Throws what the driver throws. */
export async function writeUsual(
  db: Queryable,
  learned: { account: AccountId; role: PersonRole; charts: number | null; at: Instant },
): Promise<void> {
  const { account, role, charts, at } = learned;
  await db.query({
    name: "brake-learn",
    text: `INSERT INTO records.brake_usual (account, role, charts, learned_at)
      VALUES ($1, $2, $3, $4)
      ON CONFLICT (tenant, account) DO UPDATE SET role = $2, charts = $3, learned_at = $4`,
    values: [account, role, charts, toIso(at)],
  });
}
