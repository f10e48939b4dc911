import type { Instant } from "#core/clock.ts";
import { unreachable } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";

/** One stored entry with where it stands. */
export interface EntryRow {
  readonly logId: number;
  readonly origin: string;
  readonly seq: number;
  readonly time: Instant;
  readonly leaf: Buffer;
}

/** A point in a patient's entries: those that come after it in the page's order are older. */
export interface EntryPoint {
  readonly time: number;
  readonly logId: number;
  readonly seq: number;
}

export interface PatientsPage {
  /** Few: the charts of one person. */
  readonly patients: readonly string[];
  readonly before: EntryPoint | null;
  readonly limit: number;
}

const columns = `e.log_id AS "logId", l.origin, e.seq, e.time, e.leaf`;
const newestFirst = "ORDER BY e.time DESC, e.log_id DESC, e.seq DESC";

// Each chart's newest by itself, so that the index serves them in order, and of these the newest.
const ofPatients = (where: string): string => `
  SELECT ${columns}
  FROM (SELECT DISTINCT unnest($1::uuid[]) AS patient) AS p
    CROSS JOIN LATERAL (
      SELECT e.log_id, e.seq, e.time, e.leaf FROM audit.entry e
      WHERE e.patient = p.patient ${where} ${newestFirst} LIMIT $2
    ) AS e
    JOIN audit.log l ON l.id = e.log_id
  ${newestFirst} LIMIT $2`;

/** Entries of some patients from all logs of the tenant, newest first. */
export async function selectByPatients(
  on: Queryable,
  { patients, before, limit }: PatientsPage,
): Promise<readonly EntryRow[]> {
  if (before === null)
    return on.query<EntryRow>({
      name: "audit.patients",
      text: ofPatients(""),
      values: [patients, limit],
    });
  return on.query<EntryRow>({
    name: "audit.patients.before",
    // The first condition follows from the second, and is the one that the index serves.
    text: ofPatients("AND e.time <= $3 AND (e.time, e.log_id, e.seq) < ($3, $4, $5)"),
    values: [patients, limit, before.time, before.logId, before.seq],
  });
}

/** Whose entries a page is of. */
export type EntryScope =
  /** Few: the charts of one person. */
  | { readonly kind: "patients"; readonly patients: readonly string[] }
  /** Permitted entries about patients, by accounts. */
  | { readonly kind: "actors"; readonly actors: readonly string[] }
  | { readonly kind: "all" };

export interface EntryWindow {
  readonly scope: EntryScope;
  /** Both within. */
  readonly from: Instant;
  readonly to: Instant;
  readonly before: EntryPoint | null;
  readonly limit: number;
}

// What a scope adds as $7; without it the parameter is there, too, so that its type is known.
const scopeSql = {
  patients: "e.patient = p.patient",
  actors:
    "e.actor = ANY (string_to_array($7::text, ',')) AND e.patient IS NOT NULL AND e.decision = 'permit'",
  all: "$7::text IS NULL",
} as const satisfies Record<EntryScope["kind"], string>;

function scopeValue(scope: EntryScope): string | null {
  switch (scope.kind) {
    case "patients":
      return scope.patients.join(",");
    case "actors":
      return scope.actors.join(",");
    case "all":
      return null;
    default:
      return unreachable(scope);
  }
}

function windowSql(kind: EntryScope["kind"]): string {
  const within = `${scopeSql[kind]} AND e.time >= $2 AND e.time <= least($3, $4::bigint)
    AND (e.time, e.log_id, e.seq) < ($4, $5, $6)`;
  const newest = `${newestFirst} LIMIT $1`;
  if (kind !== "patients")
    return `SELECT ${columns} FROM audit.entry e JOIN audit.log l ON l.id = e.log_id
      WHERE ${within} ${newest}`;
  return `SELECT ${columns}
    FROM (SELECT DISTINCT unnest(string_to_array($7::text, ',')::uuid[]) AS patient) AS p
      CROSS JOIN LATERAL (
        SELECT e.log_id, e.seq, e.time, e.leaf FROM audit.entry e WHERE ${within} ${newest}
      ) AS e
      JOIN audit.log l ON l.id = e.log_id
    ${newest}`;
}

/** Entries of a scope and a stretch of time from all logs of the tenant, newest first. */
export async function selectWindow(
  on: Queryable,
  { scope, from, to, before, limit }: EntryWindow,
): Promise<readonly EntryRow[]> {
  // A point beyond all entries lets the first page go by the same statement.
  const { time, logId, seq } = before ?? { time: to + 1, logId: 0, seq: 0 };
  return on.query<EntryRow>({
    name: `audit.window.${scope.kind}`,
    text: windowSql(scope.kind),
    values: [limit, from, to, time, logId, seq, scopeValue(scope)],
  });
}

/** The entry at one place; null when there is none in the tenant's logs. */
export async function selectAt(
  on: Queryable,
  { logId, seq }: { readonly logId: number; readonly seq: number },
): Promise<EntryRow | null> {
  const [row] = await on.query<EntryRow>({
    name: "audit.at",
    text: `SELECT ${columns} FROM audit.entry e JOIN audit.log l ON l.id = e.log_id
      WHERE e.log_id = $1 AND e.seq = $2`,
    values: [logId, seq],
  });
  return row ?? null;
}

/** In whose records what was written, as far as an answer may go. */
export interface WrittenOf {
  /** Pseudonyms; null for the organisation. */
  readonly patients: readonly string[] | null;
  /** `Type/id`; null for all of them. */
  readonly written: readonly string[] | null;
  readonly limit: number;
}

/** Entries that say one of these resources was written. */
export async function selectWritten(
  on: Queryable,
  { patients, written, limit }: WrittenOf,
): Promise<readonly EntryRow[]> {
  // A parameter that is not used says so, so that its type is known.
  const whose =
    patients === null ? "e.patient IS NULL AND $3::uuid[] IS NULL" : "e.patient = ANY ($3::uuid[])";
  const which = written === null ? "$2::text[] IS NULL" : "e.written = ANY ($2::text[])";
  return on.query<EntryRow>({
    name: `audit.written.${patients === null ? "o" : "p"}.${written === null ? "all" : "some"}`,
    text: `SELECT ${columns} FROM audit.entry e JOIN audit.log l ON l.id = e.log_id
      WHERE e.written IS NOT NULL AND ${whose} AND ${which} LIMIT $1`,
    values: [limit, written, patients],
  });
}

/** The columns by which it can be asked who touched which patients. */
export type TraceColumn = "actor" | "device" | "client" | "address";

export interface TraceWindow {
  readonly by: TraceColumn;
  readonly value: string;
  readonly from: Instant;
  /** Not included. */
  readonly until: Instant;
}

export interface TouchedPatient {
  readonly patient: string;
  readonly entries: number;
  readonly first: Instant;
  readonly last: Instant;
}

/** Patients with permitted entries of one actor, device, client or address in a window. */
export async function selectTouched(
  on: Queryable,
  { by, value, from, until }: TraceWindow,
): Promise<readonly TouchedPatient[]> {
  return on.query<TouchedPatient>({
    name: `audit.touched.${by}`,
    text: `SELECT patient, count(*) AS entries, min(time) AS first, max(time) AS last
      FROM audit.entry
      WHERE ${by} = $1 AND time >= $2 AND time < $3
        AND patient IS NOT NULL AND decision = 'permit'
      GROUP BY patient ORDER BY patient`,
    values: [value, from, until],
  });
}

/** The newest signed checkpoint of a log; null when there is no such log. */
export async function selectNewestNote(on: Queryable, origin: string): Promise<string | null> {
  const [row] = await on.query<{ note: string }>({
    name: "audit.newest-note",
    text: `SELECT note FROM audit.checkpoint
      WHERE log_id = (SELECT id FROM audit.log WHERE origin = $1) ORDER BY size DESC LIMIT 1`,
    values: [origin],
  });
  return row?.note ?? null;
}
