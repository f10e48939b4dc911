import type { Instant } from "#core/clock.ts";
import type { Queryable } from "#storage/database.ts";

/** Compartments from `from` to `until`, both included, in the order of their names. */
export interface CompartmentRange {
  readonly from: string;
  readonly until: string;
}

/** An entry of the log that tells of a key, where it stands. */
export interface KeyEntryRow {
  readonly logId: number;
  readonly origin: string;
  readonly seq: number;
  readonly time: Instant;
  readonly leaf: Buffer;
  /** Null for the organisation's key. */
  readonly patient: string | null;
}

const pageRows = 4_096;

const entryColumns = `e.log_id AS "logId", l.origin, e.seq, e.time, e.leaf, e.patient`;
const entryOrder = `ORDER BY e.patient, e.time, e.log_id, e.seq LIMIT ${pageRows}`;

/** Times that entries may have, both included. */
export interface TimeRange {
  readonly from: Instant;
  readonly until: Instant;
}

/** A range's entries of unwrapping and making keys, a page at a time, by patient and time. */
export async function* keyEntries(
  on: Queryable,
  { from, until }: CompartmentRange,
  time: TimeRange,
): AsyncGenerator<readonly KeyEntryRow[]> {
  let last: KeyEntryRow | undefined;
  for (;;) {
    const point = [
      last?.patient ?? from,
      last?.time ?? time.from,
      last?.logId ?? 0,
      last?.seq ?? -1,
    ];
    const page: readonly KeyEntryRow[] = await on.query<KeyEntryRow & Record<string, unknown>>({
      name: "breach-key-entries",
      text: `SELECT ${entryColumns} FROM audit.entry e JOIN audit.log l ON l.id = e.log_id
        WHERE e.action IN ('unwrap', 'key-create') AND e.decision = 'permit'
          AND e.patient >= $1::uuid AND e.patient <= $5::uuid AND e.time >= $6 AND e.time <= $7
          AND (e.patient, e.time, e.log_id, e.seq) > ($1::uuid, $2::bigint, $3::int, $4::bigint)
        ${entryOrder}`,
      values: [...point, until, time.from, time.until],
    });
    yield page;
    last = page.at(-1);
    if (last === undefined || page.length < pageRows) return;
  }
}

/** As keyEntries, of the organisation's key. */
export async function* organisationEntries(
  on: Queryable,
  time: TimeRange,
): AsyncGenerator<readonly KeyEntryRow[]> {
  let last: KeyEntryRow | undefined;
  for (;;) {
    const point = [last?.time ?? time.from, last?.logId ?? 0, last?.seq ?? -1];
    const page: readonly KeyEntryRow[] = await on.query<KeyEntryRow & Record<string, unknown>>({
      name: "breach-organisation-entries",
      text: `SELECT ${entryColumns} FROM audit.entry e JOIN audit.log l ON l.id = e.log_id
        WHERE e.action IN ('unwrap', 'key-create') AND e.decision = 'permit'
          AND e.patient IS NULL AND e.time >= $4 AND e.time <= $5
          AND (e.time, e.log_id, e.seq) > ($1::bigint, $2::int, $3::bigint)
        ORDER BY e.time, e.log_id, e.seq LIMIT ${pageRows}`,
      values: [...point, time.from, time.until],
    });
    yield page;
    last = page.at(-1);
    if (last === undefined || page.length < pageRows) return;
  }
}

/** Leaves of the entries that tell when epochs began. */
export async function rotationLeaves(on: Queryable): Promise<readonly Buffer[]> {
  const rows = await on.query<{ leaf: Buffer }>(
    "SELECT leaf FROM audit.entry WHERE action = 'key-rotate' AND patient IS NULL ORDER BY time",
  );
  return rows.map(({ leaf }) => leaf);
}

export interface KeyRow {
  readonly compartment: string;
  readonly dekVersion: number;
  readonly kekEpoch: number;
  readonly createdAt: Instant;
}

/** What the key table has of a range now, a page at a time. */
export async function* keyRows(
  on: Queryable,
  { from, until }: CompartmentRange,
): AsyncGenerator<readonly KeyRow[]> {
  let last: KeyRow | undefined;
  for (;;) {
    const page: readonly KeyRow[] = await on.query<KeyRow & Record<string, unknown>>({
      name: "breach-key-rows",
      text: `SELECT compartment, dek_version AS "dekVersion", kek_epoch AS "kekEpoch",
          created_at AS "createdAt"
        FROM keyring.data_key
        WHERE compartment >= $1 AND compartment <= $3
          AND (compartment, dek_version) > ($1::text, $2::int)
        ORDER BY compartment, dek_version LIMIT ${pageRows}`,
      values: [last?.compartment ?? from, last?.dekVersion ?? 0, until],
    });
    yield page;
    last = page.at(-1);
    if (last === undefined || page.length < pageRows) return;
  }
}

export interface ShreddedRow {
  readonly compartment: string;
  readonly at: Instant;
  readonly lastEpoch: number;
  readonly finishedAt: Instant | null;
}

/** The patients of a range whose keys were destroyed. */
export async function shreddedRows(
  on: Queryable,
  { from, until }: CompartmentRange,
): Promise<readonly ShreddedRow[]> {
  return on.query<ShreddedRow & Record<string, unknown>>({
    name: "breach-shredded",
    text: `SELECT compartment, at, last_epoch AS "lastEpoch", finished_at AS "finishedAt"
      FROM keyring.shredded WHERE compartment >= $1 AND compartment <= $2 ORDER BY compartment`,
    values: [from, until],
  });
}
