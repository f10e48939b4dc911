import { toIso } from "#core/clock.ts";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import type { Result } from "#core/result.ts";
import {
  columns,
  rowOf,
  type CareAsker,
  type FoundRows,
  type RawRow,
} from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

export const findLimits = {
  /** Look-ups sent in one statement. */
  perStatement: 64,
  /** Statements under way at once; look-ups that come meanwhile go together in the next. */
  underWay: 1,
} as const;

interface Asked {
  readonly type: ResourceType;
  readonly id: ResourceId;
  readonly asker: CareAsker;
  readonly resolve: (found: Result<FoundRows>) => void;
  readonly reject: (error: unknown) => void;
}

// The limit keeps each look-up one descent of the index, whatever the planner thinks of the table.
// JSON, as of an array the planner knows the length: it would plan each statement anew for it, at
// twice the cost of running it.
const findSql = `
  SELECT k.n, r.*, EXISTS (SELECT FROM records.care_relation c
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

/**
 * Looks up newest versions by id. Look-ups that come while others are under way go together in one
 * statement, as a statement costs the server and us more than a row does; one alone goes at once.
 */
export function createFinder(
  db: Queryable,
): (type: ResourceType, id: ResourceId, asker: CareAsker) => Promise<Result<FoundRows>> {
  let waiting: Asked[] = [];
  let underWay = 0;

  const answer = async (asked: readonly Asked[]): Promise<void> => {
    try {
      const found = await findAll(db, asked);
      asked.forEach(({ resolve }, at) => {
        const one = found.ok ? found.value[at] : undefined;
        resolve(found.ok ? { ok: true, value: one ?? { rows: [], inCareTeam: false } } : found);
      });
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  };

  const send = (): void => {
    while (waiting.length > 0 && underWay < findLimits.underWay) {
      const asked = waiting.slice(0, findLimits.perStatement);
      waiting = waiting.slice(findLimits.perStatement);
      underWay += 1;
      void answer(asked).finally(() => {
        underWay -= 1;
        send();
      });
    }
  };

  return (type, id, asker) =>
    new Promise((resolve, reject) => {
      waiting.push({ type, id, asker, resolve, reject });
      // Whoever asks in the same turn comes along.
      if (waiting.length === 1) setImmediate(send);
    });
}
