import type { PolicyDecision } from "#core/policy-request.ts";
import type { Authorizer } from "#policy/authorizer.ts";
import { parseClassText } from "#policy/class-text.ts";
import { obligationText } from "#policy/obligation.ts";

/** What other policies would decide otherwise. */
export interface ChangedDecision {
  /** The attributes that were decided upon, as the log has them. */
  readonly asked: string;
  readonly times: number;
  readonly was: string;
  readonly wouldBe: string;
  /** Ids of the policies that decide then. */
  readonly by: readonly string[];
}

export interface Replay {
  /** Decisions that were put to both. */
  readonly decisions: number;
  /** Decisions that cannot be put again: about what policies do not speak of any more. */
  readonly unknown: number;
  /** The most frequent first. */
  readonly changes: readonly ChangedDecision[];
}

/** "permit", "step-up" or "deny"; a permit with what it is bound to. */
export const outcomeText = (decision: PolicyDecision): string =>
  decision.effect === "permit"
    ? ["permit", ...decision.obligations.map(obligationText)].join(", ")
    : decision.effect;

/** Puts decisions of the log, each with how often it was made, to two sets of policies. */
export function replay(
  decided: ReadonlyMap<string, number>,
  { now, tried }: Readonly<Record<"now" | "tried", Pick<Authorizer, "decideClass">>>,
): Replay {
  let decisions = 0;
  let unknown = 0;
  const changes: ChangedDecision[] = [];
  for (const [asked, times] of decided) {
    const attributes = parseClassText(asked);
    if (attributes === null) {
      unknown += times;
      continue;
    }
    decisions += times;
    const was = outcomeText(now.decideClass(attributes));
    const after = tried.decideClass(attributes);
    const wouldBe = outcomeText(after);
    if (was !== wouldBe) changes.push({ asked, times, was, wouldBe, by: after.policies });
  }
  return { decisions, unknown, changes: changes.sort((a, b) => b.times - a.times) };
}
