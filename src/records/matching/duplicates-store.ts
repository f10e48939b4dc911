import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";
import { numberOf, type BlindIndexName } from "#vault/blind-index.ts";

/** Two charts that share enough in the blind indexes to be worth opening. */
export interface NamedPair {
  readonly one: Pseudonym;
  readonly other: Pseudonym;
}

export const duplicateLimits = {
  /** Owners of one token who are looked at: more share it by chance. */
  ownersOfToken: 100,
  /** Pairs opened for one batch of patients. */
  pairsPerBatch: 2_000,
} as const;

const numbers = (...names: readonly BlindIndexName[]): string => names.map(numberOf).join(", ");
const narrow = numbers("identifier-value", "birth-date", "phone", "address");
const named = numbers("family", "given", "phonetic");

// From each patient's few narrow tokens to whoever shares one; of those only who shares two, or one
// and some part of the name. Pairs count once: by the lesser pseudonym.
const pairsSql = `
  WITH mine AS (
    SELECT compartment, kind, token FROM records.blind_index
    WHERE compartment = ANY ($1::uuid[]) AND version = $2 AND kind IN (${narrow})
  ), shared AS (
    SELECT m.compartment AS one, o.compartment AS other, count(DISTINCT m.kind) AS kinds
    FROM mine m CROSS JOIN LATERAL (SELECT b.compartment FROM records.blind_index b
      WHERE b.version = $2 AND b.kind = m.kind AND b.token = m.token
        AND b.compartment > m.compartment LIMIT ${duplicateLimits.ownersOfToken}) o
    GROUP BY 1, 2
  )
  SELECT s.one, s.other FROM shared s
  WHERE (s.kinds > 1 OR EXISTS (SELECT FROM records.blind_index a JOIN records.blind_index b
      USING (version, kind, token)
      WHERE a.compartment = s.one AND b.compartment = s.other AND a.version = $2
        AND a.kind IN (${named})))
    AND NOT EXISTS (SELECT FROM records.merged_chart c WHERE c.merged IN (s.one, s.other))
    AND NOT EXISTS (SELECT FROM records.distinct_charts d WHERE d.one = s.one AND d.other = s.other)
  LIMIT ${duplicateLimits.pairsPerBatch}`;

/**
 * Pairs in which one of these charts has a part, by one version of the blind indexes; without those
 * that somebody has decided about. Throws what the driver throws.
 */
export async function pairsOf(
  db: Queryable,
  charts: readonly Pseudonym[],
  version: number,
): Promise<readonly NamedPair[]> {
  const rows = await db.query<{ one: string; other: string }>({
    name: "possible-duplicates",
    text: pairsSql,
    values: [charts, version],
  });
  return rows.flatMap((row) => {
    const one = parsePseudonym(row.one);
    const other = parsePseudonym(row.other);
    return one === null || other === null ? [] : [{ one, other }];
  });
}
