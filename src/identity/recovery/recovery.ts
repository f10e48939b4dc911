import type { ClientFacts } from "#core/client-facts.ts";
import { laterBy, toIso, type Clock, type Instant } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { problem, refuse, type ProblemCode } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { RecoveryState } from "#core/wire.ts";
import type { Blind } from "#identity/blind.ts";
import { makeLink } from "#identity/enrolment/enrolment.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import type { Throttle } from "#identity/password/throttle.ts";
import { hashOfCode } from "#identity/recovery/own-recovery.ts";
import { useCode } from "#identity/recovery/recovery-code-store.ts";
import {
  allowRecovery,
  findRecovery,
  insertRecovery,
  type RecoveryRow,
} from "#identity/recovery/recovery-store.ts";
import { recoveryOpenMs, type RecoveryWaits } from "#identity/recovery/waits.ts";
import type { Trail } from "#identity/trail.ts";
import type { Database } from "#storage/database.ts";

export interface RecoveryDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly throttle: Throttle;
  readonly trail: Trail;
  readonly recoveryWaits: RecoveryWaits;
}

export const recoverySteps = ["begin", "status", "finish"] as const;
export type RecoveryStep = (typeof recoverySteps)[number];

/**
 * The way back for a person who lost what she signs in with. A recovery code begins it; then comes
 * the waiting time, in which every device of hers can call it off; then a link for a new passkey.
 * Whether the code was anybody's shows in no answer before the waiting time is over.
 */
export interface Recovery {
  /** `{ code }` → RecoveryState with its token, always. */
  begin(body: JsonObject, facts: ClientFacts): Promise<Answer>;
  /**
   * `{ recovery }` → RecoveryState; "recovery-refused" for a token that was never given, and once
   * the waiting time is over for one that leads nowhere: nobody's, called off, or finished.
   */
  status(body: JsonObject, facts: ClientFacts): Promise<Answer>;
  /** `{ recovery }` → `{ enrolPath }`, once the waiting time is over. */
  finish(body: JsonObject, facts: ClientFacts): Promise<Answer>;
}

const tokenForm = /^[A-Za-z0-9_-]{43}$/;
const codeCharsMax = 40;

/** A fresh token by which the person comes back to her recovery: 256 bits, kept as a hash alone. */
export function makeRecoveryToken(random: Random): string {
  return random.bytes(32).toString("base64url");
}

function tokenHashOf(body: JsonObject, blind: Blind): Buffer | null {
  const token = body["recovery"];
  return typeof token === "string" && tokenForm.test(token) ? blind("recovery-token", token) : null;
}

const stateOf = (readyAt: Instant, now: Instant): RecoveryState => ({
  state: now < readyAt ? "waiting" : "ready",
  readyAt: toIso(readyAt),
});

const leadsNowhere = ({ account, state }: RecoveryRow): boolean =>
  account === null || state === "cancelled" || state === "finished";

async function start(
  deps: RecoveryDeps,
  code: string,
): Promise<{ readonly token: string; readonly readyAt: Instant; readonly account: string | null }> {
  const { db, clock, random, blind, recoveryWaits } = deps;
  const now = clock.now();
  const readyAt = laterBy(now, recoveryWaits.codeMs);
  const token = makeRecoveryToken(random);
  // What is no code at all is looked up like one.
  const hash = hashOfCode(blind, code) ?? blind("recovery-code", code);
  const account = await db.transaction(async (tx) => {
    const found = await useCode(tx, hash, now);
    await insertRecovery(tx, {
      id: random.uuid(),
      tokenHash: blind("recovery-token", token),
      account: found,
      way: "code",
      now,
      readyAt,
      expiresAt: laterBy(readyAt, recoveryOpenMs),
      proofedBy: null,
      proofingSealed: null,
    });
    return found;
  });
  return { token, readyAt, account };
}

async function open(deps: RecoveryDeps, body: JsonObject): Promise<Result<RecoveryRow>> {
  const hash = tokenHashOf(body, deps.blind);
  const row = hash === null ? null : await findRecovery(deps.db, hash);
  return row === null || row.expiresAt <= deps.clock.now() ? refuse("recovery-refused") : ok(row);
}

interface Ended {
  readonly account: AccountId;
  readonly enrolPath: string;
}

async function end(deps: RecoveryDeps, row: RecoveryRow): Promise<Result<Ended>> {
  const now = deps.clock.now();
  if (now < row.readyAt) return refuse("recovery-waiting", { detail: toIso(row.readyAt) });
  const account = row.account === null ? null : parseAccountId(row.account);
  if (account === null) return refuse("recovery-refused");
  return deps.db.transaction(async (tx) => {
    if (!(await allowRecovery(tx, row.id, now))) return refuse("recovery-refused");
    const link = { purpose: "recovery", recovery: row.id } as const;
    return ok({ account, enrolPath: await makeLink(tx, account, deps, link) });
  });
}

export function createRecovery(deps: RecoveryDeps): Recovery {
  const { trail, clock } = deps;
  const note = (
    name: string,
    facts: ClientFacts,
    about: AccountId | null,
    refused: ProblemCode | null,
  ) =>
    trail.note({
      action: "account-change",
      facts,
      about,
      ...(refused === null
        ? { reasons: [name], ...(name === "recovery-begun" ? { signal: name } : {}) }
        : { refused }),
    });
  return {
    begin: async (body, facts) => {
      const code = textOf(body, "code", codeCharsMax);
      if (code === null) return problemAnswer(problem("parameter-invalid", { at: "code" }));
      const waitMs = await deps.throttle.chargeRecovery(facts.address);
      if (waitMs > 0) {
        const unwritten = await note("recovery-begun", facts, null, "rate-limited");
        return problemAnswer(unwritten ?? problem("rate-limited"), Math.ceil(waitMs / 1_000));
      }
      const { token, readyAt, account } = await start(deps, code);
      const about = account === null ? null : parseAccountId(account);
      const refused = account === null ? "recovery-refused" : null;
      const unwritten = await note("recovery-begun", facts, about, refused);
      if (unwritten !== null) return problemAnswer(unwritten);
      return answer({ recovery: token, ...stateOf(readyAt, clock.now()) });
    },
    status: async (body) => {
      const row = await open(deps, body);
      if (!row.ok) return problemAnswer(row.problem);
      const state = stateOf(row.value.readyAt, clock.now());
      const isVain = state.state === "ready" && leadsNowhere(row.value);
      return isVain ? problemAnswer(problem("recovery-refused")) : answer(state);
    },
    finish: async (body, facts) => {
      const row = await open(deps, body);
      const ended = row.ok ? await end(deps, row.value) : row;
      if (!ended.ok) {
        const unwritten = await note("recovery-allowed", facts, null, ended.problem.code);
        return problemAnswer(unwritten ?? ended.problem);
      }
      const { account, enrolPath } = ended.value;
      const unwritten = await note("recovery-allowed", facts, account, null);
      return unwritten === null ? answer({ enrolPath }) : problemAnswer(unwritten);
    },
  };
}
