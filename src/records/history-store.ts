import { toIso, type Instant } from "#core/clock.ts";
import type { Result } from "#core/result.ts";
import { columns, rowOf, type RawRow, type StoredRow } from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import type { Compartment } from "#vault/vault.ts";

/** Where a page of changes ended: the next begins after this version. */
export interface ChangePosition {
  readonly lastUpdated: Instant;
  readonly type: string;
  readonly id: string;
  readonly version: number;
}

/** Which changes are asked for. */
export interface ChangesAsked {
  readonly compartments: readonly Compartment[];
  readonly types: readonly string[];
  /** Versions of this instant and later; null for all. */
  readonly since: Instant | null;
  readonly after: ChangePosition | null;
  readonly limit: number;
}

const order = `last_updated DESC, type COLLATE "C", id, version DESC`;

// Of each type of each record no more than a page is read, by the index, and of those a page is kept.
const changesOf = (table: string, place: string): string => `
  (SELECT ${columns} FROM ${table} r
   WHERE ${place} AND r.type = w.type AND r.last_updated >= $3::timestamptz
     AND r.last_updated <= $4::timestamptz
     AND (r.last_updated < $4::timestamptz OR $5::text IS NULL
       OR (r.type COLLATE "C", r.id) > ($5, $6::text)
       OR (r.type = $5 AND r.id = $6 AND r.version < $7::int))
   ORDER BY ${order} LIMIT $8)`;

const bothOf = (place: string): string => `
  SELECT c.* FROM w CROSS JOIN LATERAL (
    ${changesOf("records.resource", place)} UNION ALL ${changesOf("records.resource_history", place)}
  ) c`;

const changesSql = `
  WITH w AS MATERIALIZED (
    SELECT c.compartment, t.type FROM unnest($1::uuid[]) AS c(compartment)
    CROSS JOIN unnest($2::text[]) AS t(type))
  SELECT * FROM (
    ${bothOf("w.compartment IS NOT NULL AND r.compartment = w.compartment")}
    UNION ALL
    ${bothOf("w.compartment IS NULL AND r.compartment IS NULL")}
  ) changes ORDER BY ${order} LIMIT $8`;

/** Versions of these types in these records, newest first. Fails as "storage-unavailable". */
export async function readChanges(
  db: Queryable,
  { compartments, types, since, after, limit }: ChangesAsked,
): Promise<Result<readonly StoredRow[]>> {
  return attempt(async () => {
    const rows = await db.query<RawRow>({
      name: "records-changes",
      text: changesSql,
      values: [
        compartments.map((each) => (each === "organisation" ? null : each)),
        types,
        since === null ? "-infinity" : toIso(since),
        after === null ? "infinity" : toIso(after.lastUpdated),
        after?.type ?? null,
        after?.id ?? null,
        after?.version ?? null,
        limit,
      ],
    });
    return rows.map(rowOf);
  });
}
