import type { IncomingMessage } from "node:http";
import type { Clock } from "#core/clock.ts";
import { meaningOf, type Problem } from "#core/problem.ts";
import { invariant, unreachable } from "#core/result.ts";
import { resolveConditions } from "#records/bundle-conditions.ts";
import {
  lostRace,
  readLater,
  stepsOf,
  wholeTouch,
  type LaterStep,
  type Step,
  type WriteStep,
} from "#records/bundle-steps.ts";
import {
  refused,
  type Interaction,
  type Outcome,
  type Refusal,
  type Shown,
} from "#records/door.ts";
import { transactionResponse, type EntryOutcome } from "#records/fhir/bundle.ts";
import { planTransaction, readBundle, type TransactionPlan } from "#records/fhir/transaction.ts";
import { fhirAnswer, type Answer } from "#records/http.ts";
import { preferredReturn } from "#records/preference.ts";
import { createPause, takeTurns } from "#core/turns.ts";
import type { Touch, Visit } from "#records/visit.ts";
import { readJsonText } from "#records/write-body.ts";
import type { RowOutcome } from "#records/write-plan.ts";
import { touchOfWrite, type WriteDeps } from "#records/write-prepare.ts";

export interface BundleDeps extends WriteDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
}

function placed(found: Problem, entry: number): Problem {
  return { ...found, at: found.at ?? `Bundle.entry[${entry}]` };
}

function failedEntry(found: Problem): EntryOutcome {
  return { kind: "failed", status: meaningOf(found.code).status, problem: found };
}

function rowOutcome(step: WriteStep, outcome: RowOutcome): EntryOutcome {
  const { type, id } = step.row;
  switch (outcome.kind) {
    case "created":
    case "updated": {
      const { version, lastUpdated, text } = outcome;
      const created = outcome.kind === "created";
      return { kind: "written", created, type, id, version, lastUpdated, text };
    }
    case "deleted":
    case "unchanged":
      return { kind: "deleted", version: outcome.version, lastUpdated: outcome.lastUpdated };
    case "refused":
      return failedEntry(placed(lostRace(outcome.problem, step.ownVersion), step.entry));
    default:
      return unreachable(outcome);
  }
}

function shownEntry({ answer }: Shown): EntryOutcome {
  if (answer.status === 304) return { kind: "unchanged", etag: answer.headers["etag"] ?? "" };
  const { body } = answer;
  invariant(typeof body === "string" || Buffer.isBuffer(body), "what an entry shows comes whole");
  return { kind: "shown", text: body.toString(), version: null };
}

/** What became of the entries, and what the log is told of them. */
interface Settled {
  readonly outcomes: readonly EntryOutcome[];
  readonly touches: readonly Touch[];
  readonly refusals: readonly Refusal[];
}

function settled(steps: readonly Step[], rows: readonly RowOutcome[]): Settled {
  const outcomes: EntryOutcome[] = [];
  const touches: Touch[] = [];
  const refusals: Refusal[] = [];
  let next = 0;
  for (const step of steps) {
    const { entry } = step;
    switch (step.kind) {
      case "refused":
        refusals.push(step.refusal);
        outcomes[entry] = failedEntry(placed(step.refusal.problem, entry));
        break;
      case "shown":
        touches.push(...step.shown.touches);
        outcomes[entry] = shownEntry(step.shown);
        break;
      case "done":
        outcomes[entry] = step.outcome;
        break;
      case "later":
        break;
      case "write": {
        const row = rows[next];
        invariant(row !== undefined, "every row has an outcome");
        next += 1;
        touches.push(...step.seen);
        if (row.kind === "refused") refusals.push(refused(row.problem, step.touch));
        else touches.push(touchOfWrite(step.touch, row));
        outcomes[entry] = rowOutcome(step, row);
        break;
      }
      default:
        unreachable(step);
    }
  }
  return { outcomes, touches, refusals };
}

interface How {
  readonly kind: TransactionPlan["kind"];
  readonly publicOrigin: string;
  readonly wantsText: boolean;
  /** Of the searches that conditions took. */
  readonly sought: readonly Touch[];
}

function bundleOf(outcomes: readonly EntryOutcome[], { wantsText, ...how }: How): Answer {
  const told = wantsText
    ? outcomes
    : outcomes.map((each) => (each.kind === "written" ? { ...each, text: null } : each));
  return fhirAnswer(200, transactionResponse(how.kind, how.publicOrigin, told));
}

/** Remembers what the last rows came to: the log asks first, then the caller's answer is made. */
function settling(steps: readonly Step[], how: How): (rows: readonly RowOutcome[]) => Shown {
  let last: { readonly rows: readonly RowOutcome[]; readonly shown: Shown } | null = null;
  return (rows) => {
    if (last?.rows === rows) return last.shown;
    const { outcomes, touches, refusals } = settled(steps, rows);
    const answer = bundleOf(outcomes, how);
    const shown = { touches: [...how.sought, ...touches], refusals, answer };
    last = { rows, shown };
    return shown;
  };
}

/**
 * The answer with what was read after the writes. Nothing undoes these any more, so that an entry
 * which could not be read says so by itself.
 */
async function withReadings(
  visit: Visit,
  { steps, later }: { readonly steps: readonly Step[]; readonly later: readonly LaterStep[] },
  { rows, how }: { readonly rows: readonly RowOutcome[]; readonly how: How },
): Promise<Shown> {
  const { outcomes: read, touches, refusals } = settled(await readLater(visit, later), []);
  const { outcomes: written } = settled(steps, rows);
  const outcomes = Array.from({ length: Math.max(read.length, written.length) }, (_, entry) => {
    const outcome = read[entry] ?? written[entry];
    invariant(outcome !== undefined, "every entry has an outcome");
    return outcome;
  });
  return { touches, refusals, answer: bundleOf(outcomes, how) };
}

async function outcomeOf(visit: Visit, steps: readonly Step[], how: How): Promise<Outcome> {
  const refusal = steps.find((step) => step.kind === "refused");
  if (how.kind === "transaction" && refusal !== undefined) {
    const { problem: found } = refusal.refusal;
    return { ...refusal.refusal, problem: placed(found, refusal.entry) };
  }
  const writes = steps.filter((step) => step.kind === "write");
  const later = steps.filter((step) => step.kind === "later");
  if (writes.length === 0 && later.length > 0) {
    const others = steps.filter((step) => step.kind !== "later");
    return outcomeOf(visit, [...others, ...(await readLater(visit, later))], how);
  }
  const settle = settling(steps, how);
  if (writes.length === 0) {
    const shown = settle([]);
    // A bundle of nothing shows nothing, but that it was sent is still recorded.
    const isSilent = shown.touches.length === 0 && (shown.refusals ?? []).length === 0;
    return { kind: "shown", ...shown, touches: isSilent ? [wholeTouch] : shown.touches };
  }
  return {
    kind: "written",
    work: { atomic: how.kind === "transaction", rows: writes.map(({ row }) => row) },
    settle,
    attempted: { ...wholeTouch, count: writes.length },
    ...(later.length === 0
      ? {}
      : { after: (rows) => withReadings(visit, { steps, later }, { rows, how }) }),
    explain: (found, row) => {
      const step = writes[row];
      return placed(lostRace(found, step?.ownVersion ?? false), step?.entry ?? 0);
    },
  };
}

/** `POST /fhir`: a transaction, done as a whole or not at all, or a batch. However long it is, others get their turn meanwhile. */
export function performBundle(deps: BundleDeps, request: IncomingMessage): Interaction {
  const { publicOrigin } = deps;
  const stop = (found: Problem): Refusal => refused(found, wholeTouch);
  return async (visit) => {
    const text = await readJsonText(request);
    if (!text.ok) return stop(text.problem);
    const pause = createPause(deps.clock);
    const read = await takeTurns(readBundle(text.value, deps), pause);
    if (!read.ok) return stop(read.problem);
    const conditions = await resolveConditions(deps, visit, { request: read.value, pause });
    if (!conditions.ok) return stop(conditions.problem);
    const { resolved, touches } = conditions.value;
    const context = { publicOrigin, resolved, conformance: deps.conformance() };
    const plan = await takeTurns(planTransaction(read.value, context), pause);
    if (!plan.ok) return stop(plan.problem);
    const steps = await stepsOf(deps, visit, { plan: plan.value, pause });
    const wantsText = preferredReturn(request.headers) === "representation";
    return outcomeOf(visit, steps, {
      kind: plan.value.kind,
      publicOrigin,
      wantsText,
      sought: touches,
    });
  };
}
