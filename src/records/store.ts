import { toIso } from "#core/clock.ts";
import { parsePseudonym, type Pseudonym, type ResourceId, type ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { createFinder } from "#records/find-store.ts";
import { bigints, createCareQuestions, createSearcher } from "#records/search-store.ts";
import {
  columns,
  rowOf,
  searchedColumns,
  searchedRowOf,
  type CareAsker,
  type FoundRows,
  type RawRow,
  type RawSearchedRow,
  type SearchedRow,
  type StoredRow,
} from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import type { Compartment } from "#vault/vault.ts";

export type { CareAsker, FoundRows, SearchedRow, StoredRow } from "#records/store-rows.ts";

export const storeLimits = {
  /** Rows that one search may open; more must be narrowed by a parameter. */
  searchRows: 10_000,
  /** Versions that one history shows, newest first. */
  historyRows: 1_000,
  /** Patients that one clinician's list may hold. */
  listPatients: 5_000,
} as const;

/** Reads sealed rows; each method fails as "storage-unavailable" when the database does not answer. */
export interface RecordStore {
  /** The newest version; no row when there never was one. */
  find(type: ResourceType, id: ResourceId, asker: CareAsker): Promise<Result<FoundRows>>;
  /** Newest first, up to storeLimits.historyRows. */
  history(type: ResourceType, id: ResourceId, asker: CareAsker): Promise<Result<FoundRows>>;
  /** One version, current or former. */
  version(
    place: { readonly type: ResourceType; readonly id: ResourceId; readonly version: number },
    asker: CareAsker,
  ): Promise<Result<FoundRows>>;
  /**
   * Live resources of one type in a compartment that carry, for each inner list of `tokens`, at
   * least one of its tokens. Fails as "parameter-invalid" beyond storeLimits.searchRows.
   */
  search(
    type: ResourceType,
    compartment: Compartment,
    tokens: readonly (readonly bigint[])[],
  ): Promise<Result<readonly SearchedRow[]>>;
  /** All live resources of one type in several patients' compartments; same limit. */
  searchAcross(
    type: ResourceType,
    patients: readonly Pseudonym[],
  ): Promise<Result<readonly SearchedRow[]>>;
  /** Live resources by id, whatever their compartment; absent ones are left out. */
  findMany(type: ResourceType, ids: readonly ResourceId[]): Promise<Result<readonly SearchedRow[]>>;
  /** The same with the ciphertext of each, however large. */
  findWhole(type: ResourceType, ids: readonly ResourceId[]): Promise<Result<readonly StoredRow[]>>;
  /** Patients in whose active care team the practitioner stands now. */
  patientsOf(asker: CareAsker): Promise<Result<readonly Pseudonym[]>>;
  isInCareTeam(patient: Pseudonym, asker: CareAsker): Promise<Result<boolean>>;
}

const inCareTeam = (practitioner: string, at: string): string => `
  EXISTS (SELECT FROM records.care c
    WHERE c.practitioner = ${practitioner} AND c.patient = r.compartment
      AND c.starts_at <= ${at}::timestamptz AND c.ends_at > ${at}::timestamptz) AS in_care_team`;

const everyVersion = `
  (SELECT ${columns} FROM records.resource WHERE type = $1 AND id = $2
   UNION ALL
   SELECT ${columns} FROM records.resource_history WHERE type = $1 AND id = $2) r`;

const historySql = `
  SELECT ${columns}, ${inCareTeam("$3", "$4")}
  FROM ${everyVersion} ORDER BY version DESC LIMIT ${storeLimits.historyRows}`;

const versionSql = `
  SELECT ${columns}, ${inCareTeam("$3", "$4")} FROM ${everyVersion} WHERE version = $5`;

const found = (raw: readonly RawRow[]): FoundRows => ({
  rows: raw.map(rowOf),
  inCareTeam: raw[0]?.in_care_team === true,
});

const askerValues = ({ practitioner, at }: CareAsker): readonly (string | null)[] => [
  practitioner,
  toIso(at),
];

/** A search within one compartment; `filters` is the number of token lists that must each be met. */
function searchSql(filters: number, ofPatient: boolean): string {
  const place = ofPatient ? "compartment = $1::uuid" : "compartment IS NULL AND $1::uuid IS NULL";
  const met = Array.from({ length: filters }, (_, at) => ` AND tokens && $${at + 3}::bigint[]`);
  return `
    SELECT ${searchedColumns} FROM records.resource
    WHERE ${place} AND type = $2 AND NOT deleted${met.join("")}
    ORDER BY last_updated DESC, id LIMIT ${storeLimits.searchRows + 1}`;
}

/** Reads through the database handed in, whose session is of one tenant: row level security does the rest. */
export function createStore(db: Queryable): RecordStore {
  const ask = (
    name: string,
    text: string,
    values: readonly unknown[],
  ): Promise<Result<FoundRows>> =>
    attempt(async () => found(await db.query<RawRow>({ name, text, values })));

  const searching = async (
    name: string,
    text: string,
    values: readonly unknown[],
  ): Promise<Result<readonly SearchedRow[]>> => {
    const read = await attempt(() => db.query<RawSearchedRow>({ name, text, values }));
    if (!read.ok) return read;
    return read.value.length > storeLimits.searchRows
      ? refuse("parameter-invalid", {
          detail: `More than ${storeLimits.searchRows} resources would have to be opened.`,
        })
      : ok(read.value.map(searchedRowOf));
  };

  const searchOf = createSearcher(db);
  return {
    find: createFinder(db),
    history: (type, id, asker) =>
      ask("records-history", historySql, [type, id, ...askerValues(asker)]),
    version: ({ type, id, version }, asker) =>
      ask("records-version", versionSql, [type, id, ...askerValues(asker), version]),
    search: async (type, compartment, tokens) => {
      if (compartment !== "organisation") {
        const found = await searchOf({ type, patient: compartment, tokens });
        if (!found.ok) return found;
        if (found.value !== null) return ok(found.value);
      }
      const patient = compartment === "organisation" ? null : compartment;
      return searching(
        `records-search-${tokens.length}-${patient === null ? "o" : "p"}`,
        searchSql(tokens.length, patient !== null),
        [patient, type, ...tokens.map(bigints)],
      );
    },
    searchAcross: (type, patients) =>
      searching(
        "records-search-across",
        `SELECT ${searchedColumns} FROM records.resource
         WHERE compartment = ANY ($1::uuid[]) AND type = $2 AND NOT deleted
         ORDER BY last_updated DESC, id LIMIT ${storeLimits.searchRows + 1}`,
        [patients, type],
      ),
    findMany: (type, ids) =>
      attempt(async () => {
        const raw = await db.query<RawSearchedRow>({
          name: "records-find-many",
          text: `SELECT ${searchedColumns} FROM records.resource
            WHERE type = $1 AND id = ANY ($2::text[]) AND NOT deleted`,
          values: [type, ids],
        });
        return raw.map(searchedRowOf);
      }),
    findWhole: (type, ids) =>
      attempt(async () => {
        const raw = await db.query<RawRow>({
          name: "records-find-whole",
          text: `SELECT ${columns} FROM records.resource
            WHERE type = $1 AND id = ANY ($2::text[]) AND NOT deleted`,
          values: [type, ids],
        });
        return raw.map(rowOf);
      }),
    patientsOf: (asker) =>
      attempt(async () => {
        const rows = await db.query<{ patient: string }>({
          name: "records-patients-of",
          text: `SELECT DISTINCT patient FROM records.care
            WHERE practitioner = $1 AND starts_at <= $2::timestamptz AND ends_at > $2::timestamptz
            ORDER BY patient LIMIT ${storeLimits.listPatients}`,
          values: askerValues(asker),
        });
        return rows.flatMap(({ patient }) => parsePseudonym(patient) ?? []);
      }),
    isInCareTeam: createCareQuestions(db),
  };
}
