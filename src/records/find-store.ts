import { toIso } from "#core/clock.ts";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import type { Result } from "#core/result.ts";
import { gatherLookUps } from "#records/look-ups.ts";
import {
  columns,
  rowOf,
  type CareAsker,
  type FoundRows,
  type RawRow,
} from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

export const findLimits = { perStatement: 64, underWay: 1 } as const;

interface Asked {
  readonly type: ResourceType;
  readonly id: ResourceId;
  readonly asker: CareAsker;
}

// The limit keeps each look-up one descent of the index, whatever the planner thinks of the table.
// JSON, as of an array the planner knows the length: it would plan each statement anew for it, at
// twice the cost of running it.
const findSql = `
  SELECT k.n, r.*, EXISTS (SELECT FROM records.care c
    WHERE c.practitioner = k.practitioner AND c.patient = r.compartment
      AND c.starts_at <= k.at AND c.ends_at > k.at) AS in_care_team
  FROM json_to_recordset($1::json) AS k(n int, type text, id text, practitioner text, at timestamptz)
  CROSS JOIN LATERAL (SELECT ${columns} FROM records.resource
    WHERE type = k.type AND id = k.id LIMIT 1) r`;

async function findAll(
  db: Queryable,
  asked: readonly Asked[],
): Promise<Result<readonly FoundRows[]>> {
  return attempt(async () => {
    const rows = await db.query<RawRow & { readonly n: number }>({
      name: "records-find",
      text: findSql,
      values: [
        JSON.stringify(
          asked.map(({ type, id, asker: { practitioner, at } }, n) => ({
            n,
            type,
            id,
            practitioner,
            at: toIso(at),
          })),
        ),
      ],
    });
    const found = new Map(rows.map((row) => [row.n, row]));
    return asked.map((_, at) => {
      const row = found.get(at);
      return row === undefined
        ? { rows: [], inCareTeam: false }
        : { rows: [rowOf(row)], inCareTeam: row.in_care_team === true };
    });
  });
}

/** Looks up newest versions by id, those asked for at once in one statement. */
export function createFinder(
  db: Queryable,
): (type: ResourceType, id: ResourceId, asker: CareAsker) => Promise<Result<FoundRows>> {
  const find = gatherLookUps(findLimits, (asked: readonly Asked[]) => findAll(db, asked));
  return (type, id, asker) => find({ type, id, asker });
}
