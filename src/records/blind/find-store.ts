import { toIso } from "#core/clock.ts";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import type { Result } from "#core/result.ts";
import { gatherLookUps } from "#records/look-ups.ts";
import {
  columns,
  rowOf,
  type CareAsker,
  type RawRow,
  type StoredRow,
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
  readonly row: StoredRow;
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

const cares = (patient: string): string => `EXISTS (SELECT FROM records.care c
  WHERE c.practitioner = k.practitioner AND c.patient = ${patient}
    AND c.starts_at <= k.at AND c.ends_at > k.at)`;

/** Each token one descent of the index: the limits keep the planner from reading a whole version. */
const hasOne = (group: number, patient: string): string => `EXISTS (SELECT
  FROM unnest(k.k${group}, k.t${group}) AS g(kind, token)
  CROSS JOIN LATERAL (SELECT FROM records.blind_index b WHERE b.version = k.version
    AND b.kind = g.kind AND b.token = g.token AND b.compartment = ${patient} LIMIT 1) x)`;

/**
 * The same for a group of many tokens, such as the days of a year: from the patient's few rows, not
 * from each token. Takes a token of one index for the same of another, which is but one too many.
 */
const hasOneOfMany = (group: number, patient: string): string => `EXISTS (SELECT
  FROM records.blind_index b WHERE b.compartment = ${patient} AND b.version = k.version
    AND b.kind = ANY (k.k${group}) AND b.token = ANY (k.t${group}))`;

const has = (group: number, patient: string): string => `(k.k${group} IS NULL
  OR CASE WHEN cardinality(k.t${group}) > ${tokensOneByOne}
    THEN ${hasOneOfMany(group, patient)} ELSE ${hasOne(group, patient)} END)`;

// JSON for the reason that records/find-store.ts gives. Asked in one statement with the version:
// rows of one that was just replaced may be gone.
const question = `json_to_recordset($1::json) AS k(n int, version int, practitioner text,
    at timestamptz, own uuid[], beyond boolean,
    ${groupNumbers.map((group) => `k${group} smallint[], t${group} bigint[]`).join(", ")})
  JOIN records.blind_setting s ON s.current_version = k.version`;

const patientRow = (compartment: string): string => `CROSS JOIN LATERAL (SELECT ${columns}
  FROM records.resource WHERE compartment = ${compartment} AND type = 'Patient' AND NOT deleted
  LIMIT 1) r`;

const hasOthers = (patient: string): string =>
  groupNumbers
    .slice(1)
    .map((group) => `AND ${has(group, patient)}`)
    .join(" ");

/** How many are too many: who has all the tokens, or who has one of the first group. */
type Counted = "whole" | "owners";

/**
 * From the first group's tokens to whoever has them, `most` at the most: beyond, `wide` is true and
 * nobody is looked at.
 */
const byToken = (counted: Counted, most: number): string => `
  SELECT k.n, cardinality(o.owners) > ${most} AS wide, f.* FROM ${question}
  CROSS JOIN LATERAL (SELECT array_agg(compartment) AS owners FROM (SELECT x.compartment
    FROM unnest(k.k0, k.t0) AS g(kind, token) CROSS JOIN LATERAL (SELECT w.compartment
      FROM records.blind_index w
      WHERE w.version = k.version AND w.kind = g.kind AND w.token = g.token
        ${counted === "whole" ? hasOthers("w.compartment") : ""}
      LIMIT ${most + 1}) x LIMIT ${most + 1}) y) o
  LEFT JOIN LATERAL (SELECT p.in_care_team, r.*
    FROM (SELECT u.compartment, ${cares("u.compartment")} AS in_care_team
      FROM (SELECT DISTINCT unnest(CASE WHEN cardinality(o.owners) <= ${most} THEN o.owners END)
        AS compartment) u) p
    ${patientRow("p.compartment")}
    WHERE (k.beyond OR p.in_care_team OR p.compartment = ANY (k.own))
      ${counted === "owners" ? hasOthers("p.compartment") : ""}) f ON true`;

/** From the asker's own patients to those among them who have the tokens. */
const byAsker = (most: number): string => `
  SELECT k.n, false AS wide, f.* FROM ${question}
  LEFT JOIN LATERAL (SELECT p.in_care_team, r.*
    FROM (SELECT u.compartment, bool_or(u.cared) AS in_care_team FROM (
      SELECT c.patient AS compartment, true AS cared FROM records.care c
        WHERE c.practitioner = k.practitioner AND c.starts_at <= k.at AND c.ends_at > k.at
      UNION ALL SELECT unnest(k.own), false) u GROUP BY u.compartment) p
    ${patientRow("p.compartment")}
    WHERE ${groupNumbers.map((group) => has(group, "p.compartment")).join(" AND ")}
    LIMIT ${most + 1}) f ON true`;

interface FoundRow extends RawRow {
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
      : [{ compartment, inCareTeam: raw.in_care_team === true, row: rowOf(raw) }];
  });
  return { kind: "found", candidates };
}

export type BlindFinder = (question: BlindQuestion) => Promise<Result<BlindFound>>;

function finder(db: Queryable, name: string, text: string, most: number): BlindFinder {
  return gatherLookUps(gathered, (asked: readonly BlindQuestion[]) =>
    attempt(async () => {
      const values = [asJson(asked)];
      const rows = await db.query<FoundRow & Record<string, unknown>>({ name, text, values });
      const found = asked.map((): FoundRow[] => []);
      for (const row of rows) found[row.n]?.push(row);
      return found.map((each) => foundOf(each, most));
    }),
  );
}

/** Finds whoever has the tokens, unless they, or the owners of the first group's, are more than `most`. */
export const createFindByToken = (db: Queryable, counted: Counted, most: number): BlindFinder =>
  finder(db, `blind-find-${counted}-${most}`, byToken(counted, most), most);

/** Finds them among `own` and those in whose care team the asker stands, up to `most`. */
export const createFindByAsker = (db: Queryable, most: number): BlindFinder =>
  finder(db, `blind-find-asker-${most}`, byAsker(most), most);
