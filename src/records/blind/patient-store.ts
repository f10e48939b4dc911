import type { ResourceId } from "#core/ids.ts";
import { columns, rowOf, type RawRow, type StoredRow } from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";

/** Live Patients in the order of their ids. */
export async function patientsAfter(
  db: Queryable,
  after: string,
  limit: number,
): Promise<readonly StoredRow[]> {
  const rows = await db.query<RawRow & Record<string, unknown>>({
    name: "blind-patients",
    text: `SELECT ${columns} FROM records.resource
      WHERE type = 'Patient' AND id > $1 AND NOT deleted ORDER BY id LIMIT $2`,
    values: [after, limit],
  });
  return rows.map(rowOf);
}

/** The Patients among these that are still of the version read, and stay so until the transaction ends. */
export async function holdUnchanged(
  tx: Queryable,
  read: readonly StoredRow[],
): Promise<readonly StoredRow[]> {
  const rows = await tx.query<{ readonly id: ResourceId; readonly version: number }>(
    `SELECT id, version FROM records.resource
     WHERE type = 'Patient' AND id = ANY ($1::text[]) ORDER BY id FOR SHARE`,
    [read.map(({ id }) => id)],
  );
  const versions = new Map(rows.map(({ id, version }) => [id, version]));
  return read.filter(({ id, version }) => versions.get(id) === version);
}
