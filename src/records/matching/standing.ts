import { toIso } from "#core/clock.ts";
import { problem, type Problem } from "#core/problem.ts";
import type { StandingMerge, StandingMergePage } from "#core/wire.ts";
import { refused, type Interaction, type Refusal } from "#records/door.ts";
import { jsonAnswer } from "#records/http.ts";
import { sideOf } from "#records/matching/chart-side.ts";
import { patientType } from "#records/matching/charts.ts";
import { comparedTouch } from "#records/matching/compared-touch.ts";
import type { DuplicatesDeps } from "#records/matching/duplicates.ts";
import { mayMatch, openLeft } from "#records/matching/find-matches.ts";
import { readStanding } from "#records/matching/merge-store.ts";
import type { OpenedRow } from "#records/opening.ts";
import { decideOpened } from "#records/read.ts";
import { touch, type Touch } from "#records/visit.ts";
import { attempt } from "#storage/storage-problem.ts";

/** Merges that one answer shows, newest first. */
const mergesShown = 200;

/** `GET /api/records/chart-decisions`: the merges that stand, for whoever may look beyond her own patients. */
export function listStanding(deps: DuplicatesDeps): Interaction {
  return async (visit) => {
    const blank = touch({ action: "match", compartment: null, type: "Patient" });
    const stop = (found: Problem): Refusal => refused(found, blank);
    const may = mayMatch(visit);
    if (!may.ok) return stop(may.problem);
    if (!may.value.beyondCare) return stop(problem("forbidden"));
    const standing = await attempt(() => readStanding(deps.db, mergesShown));
    if (!standing.ok) return stop(standing.problem);
    const charts = new Set(standing.value.flatMap(({ survivor, other }) => [survivor, other]));
    const rows = await deps.store.searchAcross(patientType(), [...charts]);
    if (!rows.ok) return stop(rows.problem);
    const opened = await openLeft(rows.value, deps);
    if (!opened.ok) return stop(opened.problem);
    const touches: Touch[] = [];
    const permitted = opened.value.filter((each: OpenedRow) => {
      const { compartment } = each.row;
      const kinds = deps.kindsOf(each);
      const question = { action: "match", type: "Patient", compartment } as const;
      const verdict = decideOpened(visit, { ...question, inCareTeam: false }, [kinds]);
      if (verdict.permitted) touches.push(comparedTouch(each.row, verdict.policies, kinds));
      return verdict.permitted;
    });
    const of = new Map(permitted.map((each) => [each.row.compartment, each]));
    const merges = standing.value.flatMap(({ id, by, at, ...pair }): StandingMerge[] => {
      const [survivor, other] = [of.get(pair.survivor), of.get(pair.other)];
      if (survivor === undefined || other === undefined) return [];
      const byYou = by === visit.caller.live.account;
      return [{ id, at: toIso(at), byYou, survivor: sideOf(survivor), other: sideOf(other) }];
    });
    const page: StandingMergePage = { merges };
    return {
      kind: "shown",
      touches: touches.length === 0 ? [blank] : touches,
      answer: jsonAnswer(page),
    };
  };
}
