import type { IncomingMessage } from "node:http";
import { meaningOf, problem, type Problem } from "#core/problem.ts";
import { invariant, unreachable } from "#core/result.ts";
import {
  refused,
  type Interaction,
  type Outcome,
  type Refusal,
  type Shown,
} from "#records/door.ts";
import { transactionResponse, type EntryOutcome } from "#records/fhir/bundle.ts";
import { parseResource } from "#records/fhir/parse.ts";
import {
  planTransaction,
  type PlannedAction,
  type TransactionPlan,
} from "#records/fhir/transaction.ts";
import type { Action } from "#records/fhir/transaction-target.ts";
import { fhirAnswer } from "#records/http.ts";
import { preferredReturn } from "#records/preference.ts";
import { readResource } from "#records/read.ts";
import { searchResources } from "#records/search.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { RowOutcome, RowWrite } from "#records/write-plan.ts";
import {
  prepareDelete,
  preparePut,
  touchOfWrite,
  type PreparedWrite,
  type WriteDeps,
} from "#records/write-prepare.ts";
import { readJsonText } from "#records/write-body.ts";

/** One entry of the bundle after everything that can be done before writing. */
type Step = { readonly entry: number } & (
  | { readonly kind: "write"; readonly row: RowWrite; readonly touch: Touch }
  | { readonly kind: "shown"; readonly shown: Shown }
  | { readonly kind: "refused"; readonly refusal: Refusal }
);

type WriteStep = Extract<Step, { kind: "write" }>;

const wholeTouch = touch({ action: "transaction", compartment: null, type: "Bundle" });

function placed(found: Problem, entry: number): Problem {
  return { ...found, at: found.at ?? `Bundle.entry[${entry}]` };
}

function writeStep(entry: number, prepared: PreparedWrite): Step {
  return prepared.ok
    ? { entry, kind: "write", row: prepared.row, touch: prepared.touch }
    : { entry, kind: "refused", refusal: prepared.refusal };
}

function readStep(entry: number, outcome: Outcome): Step {
  invariant(outcome.kind !== "written", "a reading writes nothing");
  return outcome.kind === "shown"
    ? { entry, kind: "shown", shown: outcome }
    : { entry, kind: "refused", refusal: outcome };
}

async function stepOf(
  deps: WriteDeps,
  visit: Visit,
  { entry, action }: { readonly entry: number; readonly action: Action },
): Promise<Step> {
  switch (action.method) {
    case "POST":
    case "PUT":
      return writeStep(entry, await preparePut(deps, visit, action));
    case "DELETE":
      return writeStep(entry, await prepareDelete(deps, visit, action));
    case "GET": {
      const reading =
        "id" in action
          ? readResource(deps, action)
          : searchResources(deps, { ...action, lenient: false });
      return readStep(entry, await reading(visit));
    }
    default:
      return unreachable(action);
  }
}

/** Patients go first: with them come the keys for all else that the bundle holds of them. */
function patientsFirst(actions: readonly PlannedAction[]): readonly PlannedAction[] {
  const isPatient = ({ action }: PlannedAction): boolean =>
    action.ok && action.value.type === "Patient" && "parsed" in action.value;
  return [...actions.filter(isPatient), ...actions.filter((planned) => !isPatient(planned))];
}

function unsupported({ kind, actions }: TransactionPlan): Problem | null {
  // What it read would have to be of the state that its own writes make, before they are durable.
  const get = actions.find(({ action }) => action.ok && action.value.method === "GET");
  return kind === "transaction" && get !== undefined
    ? problem("parameter-unknown", {
        at: `Bundle.entry[${get.entry}].request.method`,
        detail: "a GET within a transaction is not supported; a batch takes it",
      })
    : null;
}

async function stepsOf(
  deps: WriteDeps,
  visit: Visit,
  plan: TransactionPlan,
): Promise<readonly Step[]> {
  const steps: Step[] = [];
  for (const { entry, action } of patientsFirst(plan.actions)) {
    const step: Step = action.ok
      ? await stepOf(deps, visit, { entry, action: action.value })
      : { entry, kind: "refused", refusal: refused(action.problem, wholeTouch) };
    steps.push(step);
    if (step.kind === "refused" && plan.kind === "transaction") break;
  }
  return steps;
}

function rowOutcome(
  { row, entry }: WriteStep,
  outcome: RowOutcome,
  wantsText: boolean,
): EntryOutcome {
  const { type, id } = row;
  switch (outcome.kind) {
    case "created":
    case "updated": {
      const { version, lastUpdated } = outcome;
      const text = wantsText ? outcome.text : null;
      return {
        kind: "written",
        created: outcome.kind === "created",
        type,
        id,
        version,
        lastUpdated,
        text,
      };
    }
    case "deleted":
    case "unchanged":
      return { kind: "deleted", version: outcome.version, lastUpdated: outcome.lastUpdated };
    case "refused":
      return failedEntry(placed(outcome.problem, entry));
    default:
      return unreachable(outcome);
  }
}

function failedEntry(found: Problem): EntryOutcome {
  return { kind: "failed", status: meaningOf(found.code).status, problem: found };
}

function settled(
  steps: readonly Step[],
  rows: readonly RowOutcome[],
  how: {
    readonly kind: TransactionPlan["kind"];
    readonly publicOrigin: string;
    readonly wantsText: boolean;
  },
): Shown {
  const outcomes: { readonly entry: number; readonly outcome: EntryOutcome }[] = [];
  const touches: Touch[] = [];
  const refusals: Refusal[] = [];
  let next = 0;
  for (const step of steps) {
    const { entry } = step;
    if (step.kind === "refused") {
      refusals.push(step.refusal);
      outcomes.push({ entry, outcome: failedEntry(placed(step.refusal.problem, entry)) });
    } else if (step.kind === "shown") {
      touches.push(...step.shown.touches);
      const { body } = step.shown.answer;
      const text = typeof body === "string" ? body : "{}";
      outcomes.push({ entry, outcome: { kind: "shown", text, version: null } });
    } else {
      const row = rows[next];
      invariant(row !== undefined, "every row has an outcome");
      next += 1;
      if (row.kind === "refused") refusals.push(refused(row.problem, step.touch));
      else touches.push(touchOfWrite(step.touch, row));
      outcomes.push({ entry, outcome: rowOutcome(step, row, how.wantsText) });
    }
  }
  const inOrder = outcomes.sort((a, b) => a.entry - b.entry).map(({ outcome }) => outcome);
  const body = transactionResponse(how.kind, how.publicOrigin, inOrder);
  return { touches, refusals, answer: fhirAnswer(200, body) };
}

function outcomeOf(
  plan: TransactionPlan,
  steps: readonly Step[],
  how: { readonly publicOrigin: string; readonly wantsText: boolean },
): Outcome {
  const refusal = steps.find((step) => step.kind === "refused");
  if (plan.kind === "transaction" && refusal !== undefined) {
    const { problem: found } = refusal.refusal;
    return { ...refusal.refusal, problem: placed(found, refusal.entry) };
  }
  const writes = steps.filter((step) => step.kind === "write");
  const { kind } = plan;
  const settle = (rows: readonly RowOutcome[]): Shown => settled(steps, rows, { ...how, kind });
  if (writes.length === 0) {
    const shown = settle([]);
    // A bundle of nothing shows nothing, but that it was sent is still recorded.
    const touches = shown.touches.length > 0 ? shown.touches : [wholeTouch];
    return { kind: "shown", ...shown, touches };
  }
  return {
    kind: "written",
    work: { atomic: kind === "transaction", rows: writes.map(({ row }) => row) },
    settle,
    attempted: { ...wholeTouch, count: writes.length },
    explain: (found, row) => placed(found, writes[row]?.entry ?? 0),
  };
}

/** `POST /fhir`: a transaction, done as a whole or not at all, or a batch. */
export function performBundle(deps: WriteDeps, request: IncomingMessage): Interaction {
  const { publicOrigin, random } = deps;
  const stop = (found: Problem): Refusal => refused(found, wholeTouch);
  return async (visit) => {
    const text = await readJsonText(request);
    if (!text.ok) return stop(text.problem);
    const parsed = parseResource(text.value, { conformance: null });
    if (!parsed.ok) return stop(parsed.problem);
    const plan = planTransaction(parsed.value, {
      publicOrigin,
      random,
      conformance: deps.conformance(),
    });
    if (!plan.ok) return stop(plan.problem);
    const obstacle = unsupported(plan.value);
    if (obstacle !== null) return stop(obstacle);
    const steps = await stepsOf(deps, visit, plan.value);
    const wantsText = preferredReturn(request.headers) === "representation";
    return outcomeOf(plan.value, steps, { publicOrigin, wantsText });
  };
}
