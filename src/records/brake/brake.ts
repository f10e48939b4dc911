import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "#core/clock.ts";
import { problem, type Problem } from "#core/problem.ts";
import { boundsFor, brakeLimits, type Measure } from "#records/brake/bounds.ts";
import { tailOthers } from "#records/brake/others.ts";
import {
  addTo,
  boundsOf,
  createPeople,
  deviceOf,
  newPerson,
  type People,
  type Person,
} from "#records/brake/people.ts";
import { showingOf, showingOfRow } from "#records/brake/showing.ts";
import { readShown } from "#records/brake/shown-store.ts";
import type { Showing } from "#records/brake/tally.ts";
import type { Usual } from "#records/brake/usual.ts";
import { verdictOf } from "#records/brake/verdict.ts";
import type { Caller } from "#records/caller.ts";
import type { Touch } from "#records/visit.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

/** Why an answer is kept back, for the caller and for the log. */
export interface Braked {
  readonly problem: Problem;
  readonly decision: "deny" | "error";
  readonly reasons: readonly string[];
  readonly signal?: string;
}

export interface Brake {
  /**
   * Counts what an answer is about to show, after waiting where that is much; what is too much is
   * kept back, and not counted. Null lets it go. Fails as the database does when it cannot be known
   * what was shown before.
   */
  hold(caller: Caller, touches: readonly Touch[]): Promise<Braked | null>;
  /** Takes in what other processes had shown before the call. Throws what the driver throws. */
  catchUp(): Promise<void>;
  close(): void;
}

export interface BrakeDeps {
  readonly db: Queryable;
  readonly clock: Clock;
  /** Multiplies the fixed bounds. */
  readonly share: number;
  /** Name of this process's own log: what is in the others was shown by other processes. */
  readonly logOrigin: string;
  readonly usual: Usual;
  readonly sleep?: (ms: number) => Promise<unknown>;
}

interface State {
  readonly people: People;
  readonly loading: Map<string, Promise<Person>>;
  waiting: number;
}

/** Of what was shown within the hour no more is read than could stop her. */
async function load(caller: Caller, deps: BrakeDeps): Promise<Person> {
  const { account, roles } = caller.live;
  const role = roles.includes("service") ? "service" : "clinician";
  const usual = await deps.usual.of(account, role);
  const person = newPerson(usual);
  const { stop } = boundsFor({ roles, share: deps.share, usual }).person.records;
  const since = deps.clock.now() - brakeLimits.windowMs;
  const rows = await readShown(deps.db, { account, since, limit: stop + 1 });
  for (const row of rows.toReversed()) addTo(person, row.device ?? "", showingOfRow(row), row.time);
  return person;
}

/** One reading of the log for all the requests with which a person arrives. */
function personOf(caller: Caller, state: State, deps: BrakeDeps): Person | Promise<Person> {
  const { account } = caller.live;
  const known = state.people.get(account);
  if (known !== undefined) return known;
  const under = state.loading.get(account);
  if (under !== undefined) return under;
  const loading = load(caller, deps)
    .then((person) => {
      state.people.set(account, person);
      return person;
    })
    .finally(() => state.loading.delete(account));
  state.loading.set(account, loading);
  return loading;
}

function stopped(
  person: Person,
  by: { readonly whose: "person" | "device"; readonly measure: Measure; readonly untilMs: number },
  now: number,
): Braked {
  const { whose, measure, untilMs } = by;
  const kind = `brake-${whose}-${measure}`;
  const before = person.signalled.get(kind);
  const isNew = before === undefined || now - before >= brakeLimits.signalAgainMs;
  if (isNew) person.signalled.set(kind, now);
  const retryAfterSeconds = Math.max(1, Math.ceil(untilMs / 1_000));
  const detail =
    "More records were shown to you within an hour than is usual. The privacy officer was told.";
  return {
    problem: problem("rate-limited", { detail, retryAfterSeconds }),
    decision: "deny",
    reasons: ["rate-limited", kind],
    ...(isNew ? { signal: "volume-brake" } : {}),
  };
}

const overfull: Braked = {
  problem: problem("rate-limited", { retryAfterSeconds: brakeLimits.waitMs.most / 1_000 }),
  decision: "deny",
  reasons: ["rate-limited", "brake-waiting"],
};

/** Weighs at one moment, and counts in the same: no two answers pass on the same room. */
function weigh(
  caller: Caller,
  person: Person,
  showing: Showing,
  { clock, share }: Pick<BrakeDeps, "clock" | "share">,
): Braked | number {
  const now = clock.now();
  const { device, roles } = caller.live;
  const bounds = boundsOf(person, { roles, share });
  const tally = deviceOf(person, device);
  const ofPerson = verdictOf(person.all, bounds.person, showing, now);
  if (ofPerson.kind === "stop") return stopped(person, { ...ofPerson, whose: "person" }, now);
  const ofDevice = verdictOf(tally, bounds.device, showing, now);
  if (ofDevice.kind === "stop") return stopped(person, { ...ofDevice, whose: "device" }, now);
  addTo(person, device, showing, now);
  const waits = [ofPerson, ofDevice].map((each) => (each.kind === "slow" ? each.waitMs : 0));
  return Math.max(...waits);
}

async function slowDown(
  ms: number,
  state: State,
  sleep: NonNullable<BrakeDeps["sleep"]>,
): Promise<Braked | null> {
  if (state.waiting >= brakeLimits.waiting) return overfull;
  state.waiting += 1;
  try {
    await sleep(ms);
    return null;
  } finally {
    state.waiting -= 1;
  }
}

/** Slows, then stops, whoever is shown more of other people's records than fits her work. */
export function createBrake(deps: BrakeDeps): Brake {
  const { sleep = wait } = deps;
  const state: State = { people: createPeople(), loading: new Map(), waiting: 0 };
  const tail = tailOthers(deps, (row) => {
    const person = state.people.get(row.actor);
    if (person === undefined) return;
    addTo(person, row.device ?? "", showingOfRow(row), row.time);
    state.people.grown(row.actor);
  });
  return {
    hold: async (caller, touches) => {
      const showing = showingOf(caller, touches);
      if (showing === null) return null;
      const { account } = caller.live;
      const found = state.people.get(account);
      const person =
        found === undefined ? await attempt(async () => personOf(caller, state, deps)) : null;
      if (person !== null && !person.ok)
        return { problem: person.problem, decision: "error", reasons: [person.problem.code] };
      const known = found ?? person?.value;
      if (known === undefined) return null;
      const weighed = weigh(caller, known, showing, deps);
      if (typeof weighed !== "number") return weighed;
      state.people.grown(account);
      return weighed === 0 ? null : slowDown(weighed, state, sleep);
    },
    catchUp: () => tail.read(),
    close: () => tail.close(),
  };
}
