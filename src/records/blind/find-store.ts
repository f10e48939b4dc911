import { toIso } from "#core/clock.ts";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import type { CareAsker } from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";

/** A token of one index, as the table has it. */
export interface BlindToken {
  readonly kind: number;
  readonly token: bigint;
}

/** A patient whom the index names; whether she is the one is known once her Patient is open. */
export interface Candidate {
  readonly compartment: Pseudonym;
  readonly inCareTeam: boolean;
}

export interface BlindQuestion {
  readonly version: number;
  /** AND of ORs, the narrowest first; at least one. */
  readonly groups: readonly (readonly BlindToken[])[];
  readonly asker: CareAsker;
  readonly limit: number;
}

interface FoundRow {
  readonly compartment: string | null;
  readonly in_care_team: boolean | null;
}

/** Groups beyond these are left to the opened Patient. */
const groupsAsked = 3;
/** More tokens than these are not looked for one by one. */
const tokensOneByOne = 16;

type Groups = BlindQuestion["groups"];
const isLong = (group: Groups[number]): boolean => group.length > tokensOneByOne;

const cares = (patient: string): string => `EXISTS (SELECT FROM records.care_relation c
  WHERE c.practitioner = $2 AND c.patient = ${patient}
    AND c.starts_at <= $3::timestamptz AND c.ends_at > $3::timestamptz)`;

const firstOfGroups = 6;
const tokensOf = (group: number): string =>
  `unnest($${firstOfGroups + 2 * group}::smallint[], $${firstOfGroups + 1 + 2 * group}::bigint[])
   AS k(kind, token)`;

const has = (group: number, patient: string): string => `EXISTS (SELECT FROM ${tokensOf(group)}
  JOIN records.blind_index b ON b.version = $1 AND b.kind = k.kind AND b.token = k.token
    AND b.compartment = ${patient})`;

/**
 * The same for a group of many tokens, such as the days of a year: from the patient's few rows, not
 * from each token. Takes a token of one index for the same of another, which is but one too many.
 */
const hasOneOfMany = (group: number, patient: string): string => `EXISTS (SELECT
  FROM records.blind_index b WHERE b.compartment = ${patient} AND b.version = $1
    AND b.kind = ANY ($${firstOfGroups + 2 * group}::smallint[])
    AND b.token = ANY ($${firstOfGroups + 1 + 2 * group}::bigint[]))`;

/** Asked in one statement with the look-up: rows of a version that was just replaced may be gone. */
const whileCurrent = (found: string): string => `
  SELECT f.compartment, f.in_care_team FROM records.blind_setting s
  LEFT JOIN LATERAL (${found}) f ON true WHERE s.current_version = $1`;

/** From the tokens to whoever has them. The limit within keeps each token one descent of the index. */
const byToken = (groups: Groups): string =>
  whileCurrent(`
    SELECT x.compartment, ${cares("x.compartment")} AS in_care_team
    FROM ${tokensOf(0)} CROSS JOIN LATERAL (SELECT o.compartment FROM records.blind_index o
      WHERE o.version = $1 AND o.kind = k.kind AND o.token = k.token
        ${groups
          .slice(1)
          .map(
            (group, at) => `AND ${(isLong(group) ? hasOneOfMany : has)(at + 1, "o.compartment")}`,
          )
          .join(" ")}
        AND $5::uuid[] IS NULL LIMIT $4) x LIMIT $4`);

/** From the asker's own patients to those among them who have the tokens. */
const byAsker = (groups: Groups): string =>
  whileCurrent(`
    SELECT p.compartment, ${cares("p.compartment")} AS in_care_team
    FROM (SELECT c.patient AS compartment FROM records.care_relation c
        WHERE c.practitioner = $2 AND c.starts_at <= $3::timestamptz AND c.ends_at > $3::timestamptz
      UNION SELECT unnest($5::uuid[])) p
    WHERE ${groups.map((group, at) => (isLong(group) ? hasOneOfMany : has)(at, "p.compartment")).join(" AND ")}
    LIMIT $4`);

/** Null when the version asked is not the one that is searched now. */
async function ask(
  db: Queryable,
  { version, groups, asker, limit }: BlindQuestion,
  own: readonly Pseudonym[] | null,
): Promise<readonly Candidate[] | null> {
  const asked = groups.slice(0, groupsAsked);
  const rows = await db.query<FoundRow & Record<string, unknown>>({
    name: `blind-find-${own === null ? "token" : "asker"}-${asked.map((group) => (isLong(group) ? "l" : "s")).join("")}`,
    text: (own === null ? byToken : byAsker)(asked),
    values: [
      version,
      asker.practitioner,
      toIso(asker.at),
      limit,
      own,
      ...asked.flatMap((group) => [
        group.map(({ kind }) => kind),
        `{${group.map(({ token }) => token).join(",")}}`,
      ]),
    ],
  });
  if (rows.length === 0) return null;
  const found = new Map<Pseudonym, Candidate>();
  for (const { compartment: text, in_care_team: inCareTeam } of rows) {
    const compartment = text === null ? null : parsePseudonym(text);
    if (compartment !== null)
      found.set(compartment, { compartment, inCareTeam: inCareTeam === true });
  }
  return [...found.values()];
}

/** Whoever has the tokens, up to `limit`; null when this version is not searched any more. */
export const findByToken = (
  db: Queryable,
  question: BlindQuestion,
): Promise<readonly Candidate[] | null> => ask(db, question, null);

/** The same among `own` and those in whose care team the asker stands. */
export const findByAsker = (
  db: Queryable,
  question: BlindQuestion,
  own: readonly Pseudonym[],
): Promise<readonly Candidate[] | null> => ask(db, question, own);
