import { toIso, type Instant } from "#core/clock.ts";
import { parsePseudonym, parseResourceId, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { unreachable } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";

/** A chart by the id of its Patient and by the pseudonym under which it lies. */
export interface Chart {
  readonly id: ResourceId;
  readonly compartment: Pseudonym;
}

/** One chart that is merged away now. */
export interface MergedChart {
  readonly merged: Chart;
  /** Version of its Patient that the merge wrote. */
  readonly mergedVersion: number;
  readonly survivor: Chart;
  /** Id of the Task that says why. */
  readonly decision: ResourceId;
}

/** What somebody decided about two charts; stored in the transaction that writes their Patients. */
export interface ChartDecision {
  readonly kind: "merge" | "unmerge" | "distinct";
  /** Id of the Task, in the survivor's chart, that holds reason and evidence. */
  readonly task: ResourceId;
  readonly survivor: Chart;
  readonly other: Chart;
  /** Version that the other chart's Patient gets; of a merge alone. */
  readonly otherVersion: number | null;
  readonly by: string;
  readonly at: Instant;
}

interface MergedRow {
  readonly merged: string;
  readonly merged_id: string;
  readonly merged_version: number;
  readonly survivor: string;
  readonly survivor_id: string;
  readonly decision: string;
}

const columns = "merged, merged_id, merged_version, survivor, survivor_id, decision";

function chartOf(pseudonym: string, idText: string): Chart | null {
  const compartment = parsePseudonym(pseudonym);
  const id = parseResourceId(idText);
  return compartment === null || id === null ? null : { compartment, id };
}

function mergedOf(row: MergedRow): readonly MergedChart[] {
  const merged = chartOf(row.merged, row.merged_id);
  const survivor = chartOf(row.survivor, row.survivor_id);
  const decision = parseResourceId(row.decision);
  if (merged === null || survivor === null || decision === null) return [];
  return [{ merged, mergedVersion: row.merged_version, survivor, decision }];
}

/** Number of the newest change; 0 when nothing was ever merged. Throws what the driver throws. */
export async function readChange(db: Queryable): Promise<number> {
  const [row] = await db.query<{ change: number }>({
    name: "merge-change",
    text: "SELECT change FROM records.merge_change",
    values: [],
  });
  return row?.change ?? 0;
}

/** All charts merged away now. Throws what the driver throws. */
export async function readMerged(db: Queryable): Promise<readonly MergedChart[]> {
  const rows = await db.query<MergedRow & Record<string, unknown>>({
    name: "merge-all",
    text: `SELECT ${columns} FROM records.merged_chart`,
    values: [],
  });
  return rows.flatMap(mergedOf);
}

/** Merges in which one of these charts has a part. Throws what the driver throws. */
export async function readMergedOf(
  db: Queryable,
  charts: readonly Pseudonym[],
): Promise<readonly MergedChart[]> {
  const rows = await db.query<MergedRow & Record<string, unknown>>({
    name: "merge-of",
    text: `SELECT ${columns} FROM records.merged_chart
      WHERE merged = ANY ($1::uuid[]) OR survivor = ANY ($1::uuid[])`,
    values: [charts],
  });
  return rows.flatMap(mergedOf);
}

/** A merge that stands, and who decided it when. */
export interface StandingDecision {
  readonly id: string;
  readonly by: string;
  readonly at: Instant;
  readonly survivor: Pseudonym;
  readonly other: Pseudonym;
}

/** Merges that stand, newest first. Throws what the driver throws. */
export async function readStanding(
  db: Queryable,
  limit: number,
): Promise<readonly StandingDecision[]> {
  const rows = await db.query<{
    id: string;
    decided_by: string;
    decided_at: Instant;
    survivor: string;
    other: string;
  }>({
    name: "merge-standing",
    text: `SELECT d.id, d.decided_by, d.decided_at, d.survivor, d.other
      FROM records.merged_chart m JOIN records.chart_decision d ON d.id = m.decision
      ORDER BY d.decided_at DESC, d.id DESC LIMIT $1`,
    values: [limit],
  });
  return rows.flatMap(({ id, decided_by: by, decided_at: at, ...row }) => {
    const survivor = parsePseudonym(row.survivor);
    const other = parsePseudonym(row.other);
    return survivor === null || other === null ? [] : [{ id, by, at, survivor, other }];
  });
}

const insertDecision = `
  INSERT INTO records.chart_decision
    (id, kind, survivor, survivor_id, other, other_id, decided_by, decided_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`;

async function apply(tx: Queryable, decision: ChartDecision): Promise<void> {
  const { kind, task, survivor, other, otherVersion } = decision;
  const pair = [survivor.compartment, other.compartment].sort();
  switch (kind) {
    case "merge":
      await tx.query(
        "DELETE FROM records.distinct_charts WHERE one = $1::uuid AND other = $2::uuid",
        pair,
      );
      await tx.query(
        `INSERT INTO records.merged_chart (${columns}) VALUES ($1, $2, $3, $4, $5, $6)`,
        [other.compartment, other.id, otherVersion, survivor.compartment, survivor.id, task],
      );
      return;
    case "unmerge":
      await tx.query(
        "DELETE FROM records.merged_chart WHERE merged = $1::uuid AND survivor = $2::uuid",
        [other.compartment, survivor.compartment],
      );
      return;
    case "distinct":
      await tx.query(
        `INSERT INTO records.distinct_charts (one, other, decision)
         VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
        [...pair, task],
      );
      return;
    default:
      unreachable(kind);
  }
}

/**
 * Stores a decision whose Patients this transaction has locked at the versions on which it was made,
 * so that no other decision about them can have come between. Throws what the driver throws.
 */
export async function storeDecision(tx: Queryable, decision: ChartDecision): Promise<void> {
  const { kind, task, survivor, other, by, at } = decision;
  await tx.query(insertDecision, [
    task,
    kind,
    survivor.compartment,
    survivor.id,
    other.compartment,
    other.id,
    by,
    toIso(at),
  ]);
  await apply(tx, decision);
}
