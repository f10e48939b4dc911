import type { IncomingMessage } from "node:http";
import { operationOutcome, type Problem } from "#core/problem.ts";
import type { Interaction, Refusal } from "#records/door.ts";
import { refused } from "#records/door.ts";
import { fhirAnswer } from "#records/http.ts";
import { comparedTouch } from "#records/matching/compared-touch.ts";
import { findMatches, type FindDeps, type Found } from "#records/matching/find-matches.ts";
import { parseMatchQuestion, type MatchQuestion } from "#records/matching/match-question.ts";
import type { Grade } from "#records/matching/score.ts";
import { touch } from "#records/visit.ts";
import { readJsonText } from "#records/write-body.ts";

export interface MatchDeps extends FindDeps {
  readonly publicOrigin: string;
}

const gradeUrl = "http://hl7.org/fhir/StructureDefinition/match-grade";

/** Digits of a score that mean something. */
const scoreDigits = 6;

function searchOf(score: number, grade: Grade): string {
  return JSON.stringify({
    extension: [{ url: gradeUrl, valueCode: grade }],
    mode: "match",
    score: Number(score.toFixed(scoreDigits)),
  });
}

function entryText({ opened: { text, row }, score }: Found, publicOrigin: string): string {
  const fullUrl = JSON.stringify(`${publicOrigin}/fhir/Patient/${row.id}`);
  return `{"fullUrl":${fullUrl},"resource":${text},"search":${searchOf(score.score, score.grade)}}`;
}

/** Says beside the matches that there may be more (R4 §3.1.1.2, mode "outcome"). */
function partialEntry(): string {
  const { issue } = operationOutcome({
    code: "too-costly",
    detail: "A name fits too many to look at all; say more, such as the birth date.",
  });
  const outcome = {
    resourceType: "OperationOutcome",
    issue: issue.map((each) => ({ ...each, severity: "warning" })),
  };
  return `{"resource":${JSON.stringify(outcome)},"search":{"mode":"outcome"}}`;
}

/** R4: the matches that are asked for; of certain ones the single likeliest. */
function chosen(found: readonly Found[], { onlyCertain, count }: MatchQuestion): readonly Found[] {
  return onlyCertain
    ? found.filter(({ score }) => score.grade === "certain").slice(0, 1)
    : found.slice(0, count);
}

/** `POST /fhir/Patient/$match` (R4 Patient-match): who may be the person that the caller describes. */
export function matchPatients(deps: MatchDeps, request: IncomingMessage): Interaction {
  return async (visit) => {
    const blank = touch({ action: "match", compartment: null, type: "Patient" });
    const stop = (found: Problem): Refusal => refused(found, blank);
    const text = await readJsonText(request);
    if (!text.ok) return stop(text.problem);
    const question = parseMatchQuestion(text.value);
    if (!question.ok) return stop(question.problem);
    const all = await findMatches(deps, visit, question.value.patient);
    if (!all.ok) return stop(all.problem);
    const shown = chosen(all.value.found, question.value);
    const entries = shown.map((each) => entryText(each, deps.publicOrigin));
    if (all.value.isPartial) entries.push(partialEntry());
    const list = entries.length === 0 ? "" : `,"entry":[${entries.join(",")}]`;
    const body = `{"resourceType":"Bundle","type":"searchset","total":${shown.length}${list}}`;
    // Nobody found is an answer, too.
    const touches =
      shown.length === 0
        ? [blank]
        : shown.map(({ opened, policies, kinds }) => comparedTouch(opened.row, policies, kinds));
    return { kind: "shown", touches, answer: fhirAnswer(200, body) };
  };
}
