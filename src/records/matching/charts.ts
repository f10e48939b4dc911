import {
  parseResourceType,
  type Pseudonym,
  type ResourceId,
  type ResourceType,
} from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { KindsOf } from "#records/kinds.ts";
import type { Chart } from "#records/matching/merge-store.ts";
import { openUnseen, type OpenedRow, type UnseenDeps } from "#records/opening.ts";
import { decideOpened } from "#records/read.ts";
import type { RecordStore } from "#records/store.ts";
import type { Visit } from "#records/visit.ts";

export interface ChartDeps extends UnseenDeps {
  readonly store: Pick<RecordStore, "find" | "version">;
  readonly kindsOf: KindsOf;
}

/** One of the charts that a decision is about, open, as somebody may decide about it. */
export interface OpenChart extends Chart {
  readonly opened: OpenedRow;
  readonly policies: readonly string[];
}

export type ChartFound =
  | { readonly ok: true; readonly value: OpenChart }
  | {
      readonly ok: false;
      readonly problem: Problem;
      readonly compartment: Pseudonym | null;
      readonly policies: readonly string[];
    };

export function patientType(): ResourceType {
  const type = parseResourceType("Patient");
  invariant(type !== null, "Patient is a type");
  return type;
}

/**
 * Finds and opens the Patient of a chart that the caller may decide about. Honey is not found: it is
 * nobody's chart, and to decide about it would show that it is none.
 */
export async function findChart(
  deps: ChartDeps,
  visit: Visit,
  { id, at }: { readonly id: ResourceId; readonly at: string },
): Promise<ChartFound> {
  const stop = (
    found: Problem,
    compartment: Pseudonym | null = null,
    policies: readonly string[] = [],
  ): ChartFound => ({ ok: false, problem: found, compartment, policies });
  const missing = problem("not-found", { at, detail: "There is no such Patient." });
  const found = await deps.store.find(patientType(), id, visit.asker);
  if (!found.ok) return stop(found.problem);
  const [row] = found.value.rows;
  const compartment = row?.compartment;
  if (row === undefined || compartment === undefined || compartment === "organisation")
    return stop(missing);
  const { inCareTeam } = found.value;
  const question = { action: "merge", type: "Patient", compartment, inCareTeam } as const;
  const verdict = visit.decide({ ...question, labels: [] });
  if (!verdict.permitted) return stop(verdict.problem, compartment, verdict.policies);
  if (row.deleted) return stop(missing, compartment);
  const opening = await openUnseen([row], deps);
  if (!opening.ok) return stop(opening.problem, compartment);
  const [opened] = opening.value;
  if (opened === undefined || opened.isHoney) return stop(missing, compartment);
  const labelled = decideOpened(visit, question, [deps.kindsOf(opened)]);
  if (!labelled.permitted) return stop(labelled.problem, compartment, labelled.policies);
  return { ok: true, value: { id, compartment, opened, policies: labelled.policies } };
}

/** The text of a former version of a Patient. Fails as reading or opening does. */
export async function formerText(
  deps: ChartDeps,
  visit: Visit,
  { id, version }: { readonly id: ResourceId; readonly version: number },
): Promise<Result<string | null>> {
  const found = await deps.store.version({ type: patientType(), id, version }, visit.asker);
  if (!found.ok) return found;
  const opening = await openUnseen(found.value.rows, deps);
  return opening.ok ? ok(opening.value[0]?.text ?? null) : { ok: false, problem: opening.problem };
}
