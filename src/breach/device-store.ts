import type { Instant } from "#core/clock.ts";
import type { Queryable } from "#storage/database.ts";

/** An entry of the log in which a device was let at a patient's data, where it stands. */
export interface DeviceEntryRow {
  readonly logId: number;
  readonly origin: string;
  readonly seq: number;
  readonly time: Instant;
  readonly leaf: Buffer;
}

const pageRows = 2_048;

export interface DeviceSpan {
  /** The ids under which the device stands in the log. */
  readonly devices: readonly string[];
  /** Both included. */
  readonly from: Instant;
  readonly until: Instant;
}

/** What these devices were permitted of any patient's, a page at a time, by time. */
export async function* deviceEntries(
  on: Queryable,
  { devices, from, until }: DeviceSpan,
): AsyncGenerator<readonly DeviceEntryRow[]> {
  let last: DeviceEntryRow | undefined;
  for (;;) {
    const point = [last?.time ?? from, last?.logId ?? 0, last?.seq ?? -1];
    const page: readonly DeviceEntryRow[] = await on.query<
      DeviceEntryRow & Record<string, unknown>
    >({
      name: "breach-device-entries",
      text: `SELECT e.log_id AS "logId", l.origin, e.seq, e.time, e.leaf
        FROM audit.entry e JOIN audit.log l ON l.id = e.log_id
        WHERE e.device = ANY ($1::text[]) AND e.patient IS NOT NULL AND e.decision = 'permit'
          AND e.time >= $2 AND e.time <= $3 AND (e.time, e.log_id, e.seq) > ($2, $4::int, $5::bigint)
        ORDER BY e.time, e.log_id, e.seq LIMIT ${pageRows}`,
      values: [devices, point[0], until, point[1], point[2]],
    });
    yield page;
    last = page.at(-1);
    if (last === undefined || page.length < pageRows) return;
  }
}

const mostLeaseEntries = 10_000;

/** What the log says of the accounts of these devices that may be of a lease, by time; the newest. */
export async function leaseEntries(
  on: Queryable,
  devices: readonly string[],
): Promise<readonly { readonly leaf: Buffer }[]> {
  const rows = await on.query<{ readonly leaf: Buffer }>({
    name: "breach-lease-entries",
    text: `SELECT leaf FROM audit.entry
      WHERE device = ANY ($1::text[]) AND action = 'account-change'
      ORDER BY time DESC, log_id DESC, seq DESC LIMIT ${mostLeaseEntries}`,
    values: [devices],
  });
  return rows.toReversed();
}

/** FHIR ids of patients by pseudonym, as far as the log says that they were written. */
export async function patientIds(
  on: Queryable,
  pseudonyms: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await on.query<{ readonly patient: string; readonly id: string }>({
    name: "breach-patient-ids",
    text: `SELECT DISTINCT patient, substr(written, 9) AS id FROM audit.entry
      WHERE patient = ANY ($1::uuid[]) AND written >= 'Patient/' AND written < 'Patient0'`,
    values: [pseudonyms],
  });
  return new Map(rows.map(({ patient, id }) => [patient, id]));
}

/** The newest signed checkpoint of each log, by its origin. */
export async function newestCheckpoints(on: Queryable): Promise<readonly string[]> {
  const rows = await on.query<{ readonly note: string }>(
    `SELECT newest.note FROM audit.log l CROSS JOIN LATERAL (
        SELECT note FROM audit.checkpoint c WHERE c.log_id = l.id ORDER BY size DESC LIMIT 1
      ) AS newest ORDER BY l.origin`,
  );
  return rows.map(({ note }) => note);
}
