import type { Instant } from "#core/clock.ts";
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

export interface PatientPage {
  readonly patient: string;
  readonly before: EntryPoint | null;
  readonly limit: number;
}

const columns = `e.log_id AS "logId", l.origin, e.seq, e.time, e.leaf`;
const newestFirst = "ORDER BY e.time DESC, e.log_id DESC, e.seq DESC";

/** Entries of one patient from all logs of the tenant, newest first. */
export async function selectByPatient(
  on: Queryable,
  { patient, before, limit }: PatientPage,
): Promise<readonly EntryRow[]> {
  if (before === null)
    return on.query<EntryRow>({
      name: "audit.patient",
      text: `SELECT ${columns} FROM audit.entry e JOIN audit.log l ON l.id = e.log_id
        WHERE e.patient = $1 ${newestFirst} LIMIT $2`,
      values: [patient, limit],
    });
  return on.query<EntryRow>({
    name: "audit.patient.before",
    // The first condition follows from the second, and is the one that the index serves.
    text: `SELECT ${columns} FROM audit.entry e JOIN audit.log l ON l.id = e.log_id
      WHERE e.patient = $1 AND e.time <= $3 AND (e.time, e.log_id, e.seq) < ($3, $4, $5)
      ${newestFirst} LIMIT $2`,
    values: [patient, limit, before.time, before.logId, before.seq],
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
