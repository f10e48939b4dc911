import type { RecordStore } from "#records/store.ts";
import { problem, type Problem } from "#core/problem.ts";
import { invariant, ok, unreachable } from "#core/result.ts";
import {
  refused,
  type Interaction,
  type Outcome,
  type Refusal,
  type Shown,
} from "#records/door.ts";
import type { EntryOutcome } from "#records/fhir/bundle.ts";
import type { Action, PlannedAction, TransactionPlan } from "#records/fhir/transaction.ts";
import { preparePatch } from "#records/patch.ts";
import { alreadyHeld } from "#records/preference.ts";
import { readResource } from "#records/read.ts";
import { parseSearch } from "#records/fhir/search.ts";
import { searchOptions, searchResources } from "#records/search.ts";
import type { Pause } from "#core/turns.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { RowWrite } from "#records/write-plan.ts";
import {
  prepareDelete,
  preparePut,
  type PreparedWrite,
  type WriteDeps,
} from "#records/write-prepare.ts";

/** One entry of the bundle after everything that can be done before writing. */
export type Step = { readonly entry: number } & (
  | {
      readonly kind: "write";
      readonly row: RowWrite;
      readonly touch: Touch;
      /** What was read on the way. */
      readonly seen: readonly Touch[];
      /** True when the version that must be current was found on the way, not named by the caller. */
      readonly ownVersion: boolean;
    }
  | { readonly kind: "shown"; readonly shown: Shown }
  /** To be read once the writes of its transaction are durable. */
  | { readonly kind: "later"; readonly reading: Interaction }
  /** Nothing is to be written or shown. */
  | { readonly kind: "done"; readonly outcome: EntryOutcome }
  | { readonly kind: "refused"; readonly refusal: Refusal }
);

export type WriteStep = Extract<Step, { kind: "write" }>;

export type LaterStep = Extract<Step, { kind: "later" }>;

export const wholeTouch = touch({ action: "transaction", compartment: null, type: "Bundle" });

/** Entries that are prepared at once: their look-ups go together in few statements. */
const entriesAtOnce = 64;

/** Losing against another writer is a failed precondition only of a version that the caller named. */
export function lostRace(found: Problem, ownVersion: boolean): Problem {
  return ownVersion && found.code === "version-conflict"
    ? { ...found, ...problem("edit-conflict") }
    : found;
}

function writeStep(
  entry: number,
  prepared: PreparedWrite,
  { ownVersion, seen = [] }: { readonly ownVersion: boolean; readonly seen?: readonly Touch[] },
): Step {
  if (prepared.ok)
    return { entry, kind: "write", row: prepared.row, touch: prepared.touch, seen, ownVersion };
  const { refusal } = prepared;
  const told = lostRace(refusal.problem, ownVersion);
  return { entry, kind: "refused", refusal: { ...refusal, problem: told } };
}

function readStep(entry: number, outcome: Outcome): Step {
  if (outcome.kind === "refused") return { entry, kind: "refused", refusal: outcome };
  invariant(outcome.kind === "shown", "a reading shows something whole");
  return { entry, kind: "shown", shown: outcome };
}

type Reading = Extract<Action, { method: "GET" }>;

function readingOf(deps: WriteDeps, action: Reading): Interaction {
  if (!("id" in action)) return searchResources(deps, { ...action, lenient: false });
  return readResource(deps, action, alreadyHeld(action.ifNoneMatch, action.ifModifiedSince));
}

/**
 * R4 §3.1.0.11.2: in a transaction, a GET comes last and sees what the other entries made. A search
 * that cannot be read is refused beforehand, with the whole.
 */
function laterStep(deps: WriteDeps, visit: Visit, entry: number, action: Reading): Step {
  const sound =
    "id" in action ? ok(null) : parseSearch(action.type, action.query, searchOptions(deps, visit));
  if (sound.ok) return { entry, kind: "later", reading: readingOf(deps, action) };
  const about = touch({ action: "search", compartment: null, type: action.type });
  return { entry, kind: "refused", refusal: refused(sound.problem, about) };
}

/** Reads what was left until the writes were durable. */
export async function readLater(
  visit: Visit,
  steps: readonly LaterStep[],
): Promise<readonly Step[]> {
  const read: Step[] = [];
  for (const { entry, reading } of steps) read.push(readStep(entry, await reading(visit)));
  return read;
}

function foundOutcome({ type, match }: Extract<Action, { method: "FOUND" }>): EntryOutcome {
  return { kind: "written", created: false, type, ...match };
}

async function stepOf(
  deps: WriteDeps,
  visit: Visit,
  {
    entry,
    action,
    kind,
  }: {
    readonly entry: number;
    readonly action: Action;
    readonly kind: TransactionPlan["kind"];
  },
): Promise<Step> {
  switch (action.method) {
    case "POST":
      return writeStep(entry, await preparePut(deps, visit, action), action);
    case "PUT": {
      // The version whose labels were carried over must be the one that is replaced.
      const ownVersion = action.ownVersion || action.ifVersion === null;
      return writeStep(entry, await preparePut(deps, visit, action), { ownVersion });
    }
    case "PATCH": {
      const prepared = await preparePatch(deps, visit, action);
      // What was patched must not have changed since, whether or not the caller named a version.
      const ownVersion = action.ownVersion || action.ifVersion === null;
      return writeStep(entry, prepared, { ownVersion, seen: prepared.seen });
    }
    case "DELETE":
      return writeStep(entry, await prepareDelete(deps, visit, action), action);
    case "FOUND":
      return { entry, kind: "done", outcome: foundOutcome(action) };
    case "NOTHING": {
      const outcome = { kind: "deleted", version: null, lastUpdated: null } as const;
      return { entry, kind: "done", outcome };
    }
    case "GET":
      return kind === "transaction"
        ? laterStep(deps, visit, entry, action)
        : readStep(entry, await readingOf(deps, action)(visit));
    default:
      return unreachable(action);
  }
}

const isPatient = ({ action }: PlannedAction): boolean =>
  action.ok && action.value.type === "Patient" && "parsed" in action.value;

/** Asks but once whether the caller is in a patient's care team: within a Bundle it is one moment. */
function asOneMoment(store: RecordStore): RecordStore {
  const known = new Map<string, ReturnType<RecordStore["isInCareTeam"]>>();
  return {
    ...store,
    isInCareTeam: (patient, asker) => {
      const asked = known.get(patient) ?? store.isInCareTeam(patient, asker);
      known.set(patient, asked);
      return asked;
    },
  };
}

/**
 * Prepares every entry, some at a time. Patients go first: with them come the keys for all else that
 * the Bundle holds of them. Of a transaction nothing more is prepared once an entry is refused.
 */
export async function stepsOf(
  deps: WriteDeps,
  visit: Visit,
  { plan, pause }: { readonly plan: TransactionPlan; readonly pause: Pause },
): Promise<readonly Step[]> {
  const within = { ...deps, store: asOneMoment(deps.store) };
  const steps: Step[] = [];
  const prepare = async ({ entry, action }: PlannedAction): Promise<Step> =>
    action.ok
      ? stepOf(within, visit, { entry, action: action.value, kind: plan.kind })
      : { entry, kind: "refused", refusal: refused(action.problem, wholeTouch) };
  const { actions } = plan;
  for (const group of [actions.filter(isPatient), actions.filter((each) => !isPatient(each))])
    for (let at = 0; at < group.length; at += entriesAtOnce) {
      const prepared = await Promise.all(group.slice(at, at + entriesAtOnce).map(prepare));
      steps.push(...prepared);
      const isStopped = prepared.some(({ kind }) => kind === "refused");
      if (isStopped && plan.kind === "transaction") return steps;
      await pause();
    }
  return steps;
}
