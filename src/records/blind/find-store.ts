import { toIso } from "#core/clock.ts";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
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

/** A token of one index, as the table has it. */
export interface BlindToken {
  readonly kind: number;
  readonly token: bigint;
}

/** A patient whom the index names; whether she is the one is known once her Patient is open. */
export interface Candidate {
  readonly compartment: Pseudonym;
  readonly inCareTeam: boolean;
  /** Her Patient as it lies there. */
  readonly row: SearchedRow;
}

export interface BlindQuestion {
  readonly version: number;
  /** AND of ORs, the narrowest first; at least one. */
  readonly groups: readonly (readonly BlindToken[])[];
  readonly asker: CareAsker;
  /** Patients whom the asker is or acts for. */
  readonly own: readonly Pseudonym[];
  /** Whether all that have the tokens are wanted, or those in the asker's care and her own. */
  readonly beyondCare: boolean;
}

/** What a look-up came to: patients, that there are too many, or that this version is not searched any more. */
export type BlindFound =
  | { readonly kind: "found"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "too-many" }
  | { readonly kind: "not-current" };

const gathered = { perStatement: 16, underWay: 2 } as const;

/** Groups beyond these are left to the opened Patient. */
const groupsAsked = 3;
/** More tokens than these are not looked for one by one. */
const tokensOneByOne = 16;

const groupNumbers = Array.from({ length: groupsAsked }, (_, at) => at);

// JSON for the reason that records/find-store.ts gives. Asked in one statement with the version:
// rows of one that was just replaced may be gone.
const question = `json_to_recordset($1::json) AS k(n int, version int, practitioner text,
    at timestamptz, own uuid[], beyond boolean,
    ${groupNumbers.map((group) => `k${group} smallint[], t${group} bigint[]`).join(", ")})
  JOIN records.blind_setting s ON s.current_version = k.version`;

/** Bounds of a look-up; beyond either, nobody is looked at. */
export interface LookUpBounds {
  /** Patients to begin with. */
  readonly first: number;
  /** Patients who have all the tokens, those alone counted whom the asker may look at. */
  readonly found: number;
}

// A subquery without this is put in every place that names what it gives, and done again in each.
const once = "OFFSET 0";

const hisCare = `c.practitioner = k.practitioner AND c.starts_at <= k.at AND c.ends_at > k.at`;

/**
 * Whoever has a token of the group, among `among` if it is given. A list of patients goes into the
 * index with the token: they lie beside each other there, so that it is descended once for all of
 * them. Each token one descent: the limits keep the planner from reading a whole version.
 */
const ownersOf = (group: number, limit: number, among: string | null): string => `
  SELECT x.compartment FROM unnest(k.k${group}, k.t${group}) AS g(kind, token)
  CROSS JOIN LATERAL (SELECT b.compartment FROM records.blind_index b
    WHERE b.version = k.version AND b.kind = g.kind AND b.token = g.token
      ${among === null ? "" : `AND b.compartment = ANY (${among})`}
    LIMIT ${limit}) x`;

/**
 * The same for a group of many tokens, such as the days of a year: from the patients' few rows, not
 * from each token. Takes a token of one index for the same of another, which is but one too many.
 */
const ownersOfMany = (group: number, among: string): string => `
  SELECT b.compartment FROM records.blind_index b WHERE b.compartment = ANY (${among})
    AND b.version = k.version AND b.kind = ANY (k.k${group}) AND b.token = ANY (k.t${group})`;

/** Those of `among` who have a token of the group, too; all of them when it is not asked. */
const narrowed = (group: number, limit: number, among: string): string => `SELECT
  CASE WHEN k.k${group} IS NULL THEN ${among}
    WHEN cardinality(k.t${group}) > ${tokensOneByOne} THEN ARRAY(${ownersOfMany(group, among)})
    ELSE ARRAY(${ownersOf(group, limit, among)}) END AS patients ${once}`;

/** The Patients of those in `first` who have a token of each of the groups; `wide` tells of none. */
function lookUp(first: string, groups: readonly number[], bounds: LookUpBounds): string {
  const steps = groups.map(
    (group, at) =>
      `CROSS JOIN LATERAL (${narrowed(group, bounds.first, `s${at}.patients`)}) s${at + 1}`,
  );
  const last = `s${groups.length}.patients`;
  return `
    SELECT k.n, o.wide, f.* FROM ${question}
    CROSS JOIN LATERAL (SELECT ARRAY(${first} LIMIT ${bounds.first + 1}) AS patients ${once}) a
    CROSS JOIN LATERAL (SELECT
      CASE WHEN cardinality(a.patients) <= ${bounds.first} THEN a.patients END AS patients ${once}) s0
    ${steps.join(" ")}
    CROSS JOIN LATERAL (SELECT
      s0.patients IS NULL OR (k.beyond AND cardinality(${last}) > ${bounds.found}) AS wide,
      ARRAY(SELECT c.patient FROM records.care c
        WHERE ${hisCare} AND c.patient = ANY (${last})) AS cared ${once}) o
    LEFT JOIN LATERAL (SELECT p.in_care_team, r.*
      FROM (SELECT DISTINCT u.compartment, u.compartment = ANY (o.cared) AS in_care_team
        FROM unnest(${last}) AS u(compartment) WHERE NOT o.wide) p
      CROSS JOIN LATERAL (SELECT ${searchedColumns} FROM records.resource
        WHERE compartment = p.compartment AND type = 'Patient' AND NOT deleted LIMIT 1) r
      WHERE k.beyond OR p.in_care_team OR p.compartment = ANY (k.own)
      LIMIT ${bounds.found + 1}) f ON true`;
}

/** From the first group's tokens to whoever has them. */
const byToken = (bounds: LookUpBounds): string =>
  lookUp(ownersOf(0, bounds.first + 1, null), groupNumbers.slice(1), bounds);

/** From the asker's own patients to those among them who have the tokens. */
const byAsker = (bounds: LookUpBounds): string =>
  lookUp(
    `SELECT c.patient FROM records.care c WHERE ${hisCare} UNION ALL SELECT unnest(k.own)`,
    groupNumbers,
    bounds,
  );

interface FoundRow extends RawSearchedRow {
  readonly n: number;
  readonly wide: boolean | null;
}

/** The columns of each group that is asked. */
function groupColumns(groups: BlindQuestion["groups"]): Record<string, readonly unknown[]> {
  const named: Record<string, readonly unknown[]> = {};
  for (const [at, group] of groups.slice(0, groupsAsked).entries()) {
    named[`k${at}`] = group.map(({ kind }) => kind);
    // Texts, since JSON numbers would lose the last bits.
    named[`t${at}`] = group.map(({ token }) => String(token));
  }
  return named;
}

const asJson = (asked: readonly BlindQuestion[]): string =>
  JSON.stringify(
    asked.map(({ version, groups, asker: { practitioner, at }, own, beyondCare }, n) => {
      const about = { n, version, practitioner, at: toIso(at), own, beyond: beyondCare };
      return { ...about, ...groupColumns(groups) };
    }),
  );

function foundOf(rows: readonly FoundRow[], most: number): BlindFound {
  const [first] = rows;
  if (first === undefined) return { kind: "not-current" };
  if (first.wide === true || rows.length > most) return { kind: "too-many" };
  const candidates = rows.flatMap((raw): Candidate[] => {
    const compartment = raw.compartment === null ? null : parsePseudonym(raw.compartment);
    return compartment === null
      ? []
      : [{ compartment, inCareTeam: raw.in_care_team === true, row: searchedRowOf(raw) }];
  });
  return { kind: "found", candidates };
}

export type BlindFinder = (question: BlindQuestion) => Promise<Result<BlindFound>>;

function finder(db: Queryable, name: string, text: string, found: number): BlindFinder {
  return gatherLookUps(gathered, (asked: readonly BlindQuestion[]) =>
    attempt(async () => {
      const values = [asJson(asked)];
      const rows = await db.query<FoundRow & Record<string, unknown>>({ name, text, values });
      const each = asked.map((): FoundRow[] => []);
      for (const row of rows) each[row.n]?.push(row);
      return each.map((own) => foundOf(own, found));
    }),
  );
}

/** Finds whoever has the tokens, unless they, or the owners of the first group's, are too many. */
export const createFindByToken = (db: Queryable, bounds: LookUpBounds): BlindFinder =>
  finder(db, `blind-find-${bounds.first}`, byToken(bounds), bounds.found);

/** Finds them among `own` and those in whose care team the asker stands, unless these are too many. */
export const createFindByAsker = (db: Queryable, bounds: LookUpBounds): BlindFinder =>
  finder(db, "blind-find-asker", byAsker(bounds), bounds.found);
