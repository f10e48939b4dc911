import type { ClientFacts } from "#core/client-facts.ts";
import { laterBy, toIso, type Clock } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import { makeLink } from "#identity/enrolment/enrolment.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Throttle } from "#identity/password/throttle.ts";
import { parseBirthDate, type BirthDate } from "#identity/people/birth-date.ts";
import {
  insertInvitation,
  openEnvelope,
  tryInvitation,
  type TakenInvitation,
} from "#identity/people/invitation-store.ts";
import {
  envelopeCodeChars,
  invitationCodeChars,
  newCode,
  parseCode,
  printedCode,
} from "#identity/people/paper-code.ts";
import type { Trail } from "#identity/trail.ts";
import type { Database, Queryable } from "#storage/database.ts";

export interface InvitationDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly throttle: Throttle;
  readonly findAccount: FindAccount;
  readonly trail: Trail;
}

type MakingDeps = Pick<InvitationDeps, "clock" | "random" | "blind">;

/** What is handed to the person invited: shown once and nowhere kept. */
export interface MadeInvitation {
  /** Path with the one-time token in its fragment. */
  readonly enrolPath: string | null;
  /** To be typed together with the birth date; null when none is known to ask for. */
  readonly paperCode: string | null;
  readonly endsAt: string;
}

/** The second fact, hashed together with the code. */
export const factOf = (blind: Blind, code: string, birthDate: BirthDate | null): Buffer =>
  blind("paper-fact", `${code} ${birthDate ?? ""}`);

/** A one-time link and, with a birth date to ask for, a code on paper. Older ones no longer work. */
export async function makeInvitation(
  tx: Queryable,
  wanted: {
    readonly account: AccountId;
    readonly birthDate: BirthDate | null;
    readonly madeBy: AccountId;
  },
  deps: MakingDeps,
): Promise<MadeInvitation> {
  const { account, birthDate, madeBy } = wanted;
  const now = deps.clock.now();
  const enrolPath = await makeLink(tx, account, deps);
  const linkEndsAt = toIso(laterBy(now, identityLimits.enrolmentLinkMs));
  if (birthDate === null) return { enrolPath, paperCode: null, endsAt: linkEndsAt };
  const code = newCode(deps.random, invitationCodeChars);
  const expiresAt = laterBy(now, identityLimits.paperCodeMs);
  await insertInvitation(tx, {
    codeBlind: deps.blind("paper-code", code),
    factBlind: factOf(deps.blind, code, birthDate),
    purpose: "enrol",
    account,
    madeBy,
    now,
    expiresAt,
  });
  return { enrolPath, paperCode: printedCode(code), endsAt: toIso(expiresAt) };
}

/** The code for the envelope of a sealed account; an older one no longer works. */
export async function makeEnvelope(
  tx: Queryable,
  account: AccountId,
  madeBy: AccountId | null,
  deps: MakingDeps,
): Promise<MadeInvitation> {
  const now = deps.clock.now();
  const code = newCode(deps.random, envelopeCodeChars);
  const expiresAt = laterBy(now, identityLimits.envelopeMs);
  await insertInvitation(tx, {
    codeBlind: deps.blind("paper-code", code),
    factBlind: null,
    purpose: "envelope",
    account,
    madeBy,
    now,
    expiresAt,
  });
  return { enrolPath: null, paperCode: printedCode(code), endsAt: toIso(expiresAt) };
}

interface Redeemed {
  readonly account: AccountId;
  readonly enrolPath: string;
  readonly isEnvelope: boolean;
}

async function honour(
  tx: Queryable,
  taken: TakenInvitation,
  deps: InvitationDeps,
): Promise<Redeemed | null> {
  const account = parseAccountId(taken.account);
  if (account === null) return null;
  const isEnvelope = taken.purpose === "envelope";
  const until = laterBy(deps.clock.now(), identityLimits.envelopeOpenMs);
  if (isEnvelope && !(await openEnvelope(tx, account, until))) return null;
  return { account, enrolPath: await makeLink(tx, account, deps), isEnvelope };
}

async function redeem(
  deps: InvitationDeps,
  code: string,
  birthDate: BirthDate | null,
): Promise<Result<Redeemed>> {
  const { db, blind, clock } = deps;
  const redeemed = await db.transaction(async (tx) => {
    const taken = await tryInvitation(tx, {
      codeBlind: blind("paper-code", code),
      factBlind: factOf(blind, code, birthDate),
      now: clock.now(),
      failuresMax: identityLimits.failuresPerPaperCode,
    });
    return taken === null ? null : honour(tx, taken, deps);
  });
  const isOpen = redeemed !== null && (await deps.findAccount(redeemed.account)) !== null;
  return redeemed !== null && isOpen ? ok(redeemed) : refuse("enrolment-link-refused");
}

export interface Invitations {
  /**
   * `{ code, birthDate }` → `{ enrolPath }`. An unknown code, a wrong birth date, a code used up or
   * too old are refused alike, after the same work; guesses are slowed by code and by address.
   */
  redeem(body: JsonObject, facts: ClientFacts): Promise<Answer>;
}

export function createInvitations(deps: InvitationDeps): Invitations {
  const { blind, throttle, trail, clock } = deps;
  return {
    redeem: async (body, facts) => {
      const code = parseCode(body["code"]);
      const birthDate = parseBirthDate(body["birthDate"], clock.now());
      // What is no code at all is charged like a wrong one, under one name.
      const charged = blind("paper-code", code ?? "");
      const waitMs = await throttle.charge(charged, facts.address);
      const refusal =
        waitMs > 0
          ? refuse("rate-limited")
          : code === null
            ? refuse("enrolment-link-refused")
            : await redeem(deps, code, birthDate);
      if (!refusal.ok) {
        const unwritten = await trail.note({
          action: "enrol",
          facts,
          refused: refusal.problem.code,
        });
        const wait = waitMs > 0 ? Math.ceil(waitMs / 1_000) : undefined;
        return problemAnswer(unwritten ?? refusal.problem, wait);
      }
      await throttle.forgive(charged, facts.address);
      const { account, enrolPath, isEnvelope } = refusal.value;
      const unwritten = await trail.note({
        action: "enrol",
        facts,
        about: account,
        reasons: [isEnvelope ? "envelope-opened" : "paper-code"],
        ...(isEnvelope ? { signal: "break-glass" } : {}),
      });
      return unwritten === null ? answer({ enrolPath }) : problemAnswer(unwritten);
    },
  };
}
