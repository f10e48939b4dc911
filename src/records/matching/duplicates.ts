import { parseResourceId, type Pseudonym } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import type { ChartPair, ChartPairPage } from "#core/wire.ts";
import { patientsAfter } from "#records/blind/patient-store.ts";
import { readSetting } from "#records/blind/setting-store.ts";
import { refused, type Interaction, type Refusal } from "#records/door.ts";
import { blindRules } from "#records/fhir/blind-labels.ts";
import { jsonAnswer } from "#records/http.ts";
import type { KindsOf } from "#records/kinds.ts";
import { sideOf } from "#records/matching/chart-side.ts";
import { patientType } from "#records/matching/charts.ts";
import { compare } from "#records/matching/compare.ts";
import { comparedTouch } from "#records/matching/compared-touch.ts";
import { pairsOf, type NamedPair } from "#records/matching/duplicates-store.ts";
import { mayMatch, openLeft } from "#records/matching/find-matches.ts";
import { personOf } from "#records/matching/person.ts";
import { scoreOf } from "#records/matching/score.ts";
import type { OpenedRow, UnseenDeps } from "#records/opening.ts";
import { decideOpened } from "#records/read.ts";
import type { RecordStore } from "#records/store.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

export const duplicatesLimits = {
  /** Patients whose tokens are compared in one statement. */
  patientsPerBatch: 250,
  /** After these a page ends, found or not, so that nobody waits long. */
  patientsPerPage: 2_000,
  /** A page ends with the batch in which it has these. */
  pairsPerPage: 20,
} as const;

export interface DuplicatesDeps extends UnseenDeps {
  readonly db: Queryable;
  readonly store: Pick<RecordStore, "searchAcross" | "findWhole">;
  readonly kindsOf: KindsOf;
}

interface Shown {
  readonly pair: ChartPair;
  readonly touches: readonly Touch[];
}

/** Null when the two are not alike enough, or one of them may not be shown. */
function pairOf(
  one: OpenedRow,
  other: OpenedRow,
  { visit, kindsOf }: { readonly visit: Visit; readonly kindsOf: KindsOf },
): Shown | null {
  const { score, grade, evidence } = scoreOf(compare(personOf(one.value), personOf(other.value)));
  if (grade === "certainly-not") return null;
  const touches: Touch[] = [];
  for (const each of [one, other]) {
    const { compartment } = each.row;
    const question = { action: "match", type: "Patient", compartment, inCareTeam: false } as const;
    const kinds = kindsOf(each);
    const verdict = decideOpened(visit, question, [kinds]);
    if (!verdict.permitted) return null;
    touches.push(comparedTouch(each.row, verdict.policies, kinds));
  }
  return { pair: { one: sideOf(one), other: sideOf(other), score, grade, evidence }, touches };
}

/** Opened for the process itself: only those of a pair that is proposed are shown, and logged. */
async function shownOf(
  pairs: readonly NamedPair[],
  deps: DuplicatesDeps,
  visit: Visit,
): Promise<Result<readonly Shown[]>> {
  if (pairs.length === 0) return ok([]);
  const charts = [...new Set(pairs.flatMap(({ one, other }) => [one, other]))];
  const rows = await deps.store.searchAcross(patientType(), charts);
  if (!rows.ok) return rows;
  const opened = await openLeft(rows.value, deps);
  if (!opened.ok) return opened;
  const of = new Map(
    opened.value.filter(({ isHoney }) => !isHoney).map((each) => [each.row.compartment, each]),
  );
  return ok(
    pairs.flatMap(({ one, other }) => {
      const [a, b] = [of.get(one), of.get(other)];
      const shown = a === undefined || b === undefined ? null : pairOf(a, b, { visit, ...deps });
      return shown ?? [];
    }),
  );
}

interface Sweep {
  readonly shown: readonly Shown[];
  readonly looked: number;
  readonly next: string | null;
}

async function sweep(deps: DuplicatesDeps, visit: Visit, from: string): Promise<Result<Sweep>> {
  const setting = await attempt(() => readSetting(deps.db));
  if (!setting.ok) return setting;
  const { current } = setting.value;
  if (current === null || current.rules !== blindRules)
    return failed(
      problem("storage-unavailable", { detail: "The index of patients is being built." }),
    );
  const shown: Shown[] = [];
  let looked = 0;
  let after = from;
  while (
    looked < duplicatesLimits.patientsPerPage &&
    shown.length < duplicatesLimits.pairsPerPage
  ) {
    const batch = await attempt(() =>
      patientsAfter(deps.db, after, duplicatesLimits.patientsPerBatch),
    );
    if (!batch.ok) return batch;
    looked += batch.value.length;
    const charts = batch.value.flatMap(({ compartment }): Pseudonym[] =>
      compartment === "organisation" ? [] : [compartment],
    );
    const pairs = await attempt(() => pairsOf(deps.db, charts, current.version));
    if (!pairs.ok) return pairs;
    const found = await shownOf(pairs.value, deps, visit);
    if (!found.ok) return found;
    shown.push(...found.value);
    const last = batch.value.at(-1);
    if (last === undefined || batch.value.length < duplicatesLimits.patientsPerBatch)
      return ok({ shown, looked, next: null });
    after = last.id;
  }
  return ok({ shown, looked, next: after });
}

const byScore = (a: Shown, b: Shown): number => b.pair.score - a.pair.score;

/**
 * `GET /api/records/possible-duplicates?after=CURSOR`: charts that may be one person's, for whoever
 * may look beyond her own patients. Goes through all patients a stretch at a time.
 */
export function listDuplicates(deps: DuplicatesDeps, query: URLSearchParams): Interaction {
  return async (visit) => {
    const blank = touch({ action: "match", compartment: null, type: "Patient" });
    const stop = (found: Problem): Refusal => refused(found, blank);
    const after = query.get("after") ?? "";
    if (after !== "" && parseResourceId(after) === null)
      return stop(problem("parameter-invalid", { at: "after" }));
    const may = mayMatch(visit);
    if (!may.ok) return stop(may.problem);
    if (!may.value.beyondCare) return stop(problem("forbidden"));
    const swept = await sweep(deps, visit, after);
    if (!swept.ok) return stop(swept.problem);
    const { looked, next } = swept.value;
    const shown = swept.value.shown.toSorted(byScore);
    const page: ChartPairPage = { pairs: shown.map(({ pair }) => pair), looked, next };
    const touches = shown.flatMap((each) => each.touches);
    return {
      kind: "shown",
      touches: touches.length === 0 ? [blank] : touches,
      answer: jsonAnswer(page),
    };
  };
}
