import { toIso, type Instant } from "#core/clock.ts";
import type { ResourceId } from "#core/ids.ts";
import type { Score } from "#records/matching/score.ts";
import type { DecisionQuestion } from "#records/matching/decision-question.ts";

/** What a decision was made on. */
export interface DecisionRecord {
  readonly id: ResourceId;
  readonly question: DecisionQuestion;
  readonly score: Score;
  readonly account: string;
  readonly at: Instant;
  /** The decision that this one takes back. */
  readonly undoes: ResourceId | null;
}

const titles = {
  merge: "Two charts were found to be one person's",
  unmerge: "Two charts were found not to be one person's after all, and parted",
  distinct: "Two charts were found to be two persons'",
} as const satisfies Record<DecisionQuestion["kind"], string>;

/**
 * The decision as an R4 Task of the surviving chart: sealed like all else in it, with reason and
 * evidence. Names the other chart in `focus`, which no Task from outside may.
 */
export function decisionTask(record: DecisionRecord): object {
  const { id, question, score, account, at, undoes } = record;
  const { kind, survivor, survivorVersion, other, otherVersion, reason } = question;
  const version = (patient: ResourceId, n: number): string => `Patient/${patient}/_history/${n}`;
  return {
    resourceType: "Task",
    id,
    ...(undoes === null ? {} : { partOf: [{ reference: `Task/${undoes}` }] }),
    status: "completed",
    intent: "order",
    code: { coding: [{ system: "urn:phylax:chart-decision", code: kind }], text: titles[kind] },
    focus: { reference: version(other, otherVersion) },
    for: { reference: version(survivor, survivorVersion) },
    authoredOn: toIso(at),
    lastModified: toIso(at),
    requester: { identifier: { system: "urn:phylax:account", value: account } },
    reasonCode: { text: reason },
    input: [
      { type: { text: "match-grade" }, valueCode: score.grade },
      { type: { text: "score" }, valueDecimal: Number(score.score.toFixed(6)) },
      ...score.evidence.map(({ field, verdict }) => ({
        type: { text: field },
        valueCode: verdict,
      })),
    ],
  };
}
