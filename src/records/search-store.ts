import { toIso } from "#core/clock.ts";
import type { Pseudonym, ResourceType } from "#core/ids.ts";
import type { Result } from "#core/result.ts";
import { gatherLookUps } from "#records/look-ups.ts";
import {
  searchedColumns,
  searchedRowOf,
  type CareAsker,
  type RawSearchedRow,
  type SearchedRow,
} from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

export const gatheredLimits = {
  /** Two, so that a search of many rows does not hold up all others. */
  searches: { perStatement: 16, underWay: 2 },
  careQuestions: { perStatement: 64, underWay: 1 },
  /** Rows that one of the searches of a statement may find: one that finds more asks alone. */
  rowsEach: 300,
  /** Lists of tokens beyond these are left to the opened resource. */
  tokenLists: 4,
} as const;

/** A search within one patient's compartment. */
export interface PatientSearch {
  readonly type: ResourceType;
  readonly patient: Pseudonym;
  /** Of each list, a row carries at least one. */
  readonly tokens: readonly (readonly bigint[])[];
}

/** As an array of PostgreSQL, since JSON numbers would lose the last bits. */
export const bigints = (tokens: readonly bigint[]): string => `{${tokens.join(",")}}`;

const lists = Array.from({ length: gatheredLimits.tokenLists }, (_, at) => `t${at}`);

// JSON for the reason that find-store.ts gives.
const searchSql = `
  SELECT k.n, r.* FROM json_to_recordset($1::json)
    AS k(n int, type text, patient uuid, ${lists.map((name) => `${name} bigint[]`).join(", ")})
  CROSS JOIN LATERAL (SELECT ${searchedColumns} FROM records.resource
    WHERE compartment = k.patient AND type = k.type AND NOT deleted
      ${lists.map((name) => `AND (k.${name} IS NULL OR tokens && k.${name})`).join(" ")}
    ORDER BY last_updated DESC LIMIT ${gatheredLimits.rowsEach + 1}) r`;

type Found = readonly SearchedRow[] | null;

async function searchAll(
  db: Queryable,
  asked: readonly PatientSearch[],
): Promise<Result<readonly Found[]>> {
  return attempt(async () => {
    const question = asked.map(({ type, patient, tokens }, n) => {
      const lists = tokens.slice(0, gatheredLimits.tokenLists);
      const named: Record<string, readonly string[]> = {};
      for (const [at, list] of lists.entries()) named[`t${at}`] = list.map(String);
      return { n, type, patient, ...named };
    });
    const raw = await db.query<RawSearchedRow & { readonly n: number }>({
      name: "records-search",
      text: searchSql,
      values: [JSON.stringify(question)],
    });
    const found = asked.map((): SearchedRow[] => []);
    for (const row of raw) found[row.n]?.push(searchedRowOf(row));
    return found.map((rows) => (rows.length > gatheredLimits.rowsEach ? null : rows));
  });
}

/** Searches patients' compartments, those asked for at once in one statement; null when one finds too much for that. */
export function createSearcher(db: Queryable): (asked: PatientSearch) => Promise<Result<Found>> {
  return gatherLookUps(gatheredLimits.searches, (asked: readonly PatientSearch[]) =>
    searchAll(db, asked),
  );
}

interface CareQuestion {
  readonly patient: Pseudonym;
  readonly asker: CareAsker;
}

const careSql = `
  SELECT k.n FROM json_to_recordset($1::json)
    AS k(n int, patient uuid, practitioner text, at timestamptz)
  CROSS JOIN LATERAL (SELECT FROM records.care c
    WHERE c.practitioner = k.practitioner AND c.patient = k.patient
      AND c.starts_at <= k.at AND c.ends_at > k.at LIMIT 1) c`;

async function askAll(
  db: Queryable,
  asked: readonly CareQuestion[],
): Promise<Result<readonly boolean[]>> {
  return attempt(async () => {
    const question = asked.map(({ patient, asker: { practitioner, at } }, n) => ({
      n,
      patient,
      practitioner,
      at: toIso(at),
    }));
    const rows = await db.query<{ n: number }>({
      name: "records-in-care-team",
      text: careSql,
      values: [JSON.stringify(question)],
    });
    const yes = new Set(rows.map(({ n }) => n));
    return asked.map((_, n) => yes.has(n));
  });
}

/** Whether a practitioner stands in a patient's active care team; questions asked at once go together. */
export function createCareQuestions(
  db: Queryable,
): (patient: Pseudonym, asker: CareAsker) => Promise<Result<boolean>> {
  const ask = gatherLookUps(gatheredLimits.careQuestions, (asked: readonly CareQuestion[]) =>
    askAll(db, asked),
  );
  return async (patient, asker) =>
    asker.practitioner === null ? { ok: true, value: false } : ask({ patient, asker });
}
