import type { Clock } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { ProxyAccepted } from "#core/wire.ts";
import type { Account } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import type { Call, CallHandler, Calls } from "#identity/calls/calls.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Throttle } from "#identity/password/throttle.ts";
import { parseBirthDate, type BirthDate } from "#identity/people/birth-date.ts";
import { findGrantsOf, holdAccount, moveGrants } from "#identity/people/grant-store.ts";
import { actAnew, openGrant, type Grant } from "#identity/people/grant.ts";
import { giveBackInvitation, tryInvitation } from "#identity/people/invitation-store.ts";
import { factOf } from "#identity/people/invitation.ts";
import { parseCode } from "#identity/people/paper-code.ts";
import { addProxyRole, dropKeys, setStatus } from "#identity/people/people-store.ts";
import { shownGrant } from "#identity/people/person.ts";
import { isForActingAlone } from "#identity/people/proxies.ts";
import type { Trail } from "#identity/trail.ts";
import type { Database, Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface AcceptingDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly blind: Blind;
  readonly throttle: Throttle;
  readonly trail: Trail;
  readonly calls: Calls;
  readonly parentEndsAtAge: number;
}

export interface Accepting {
  /**
   * `{ code, birthDate }` of an invitation on paper: what it grants is from now on granted to the
   * caller's own account, and the account that was made for it is closed. Answers ProxyAccepted.
   * A code that is unknown, used up or too old, and a wrong birth date, are refused alike as
   * "enrolment-link-refused", and slowed with those typed by strangers. "forbidden", with the code
   * left as it was: it is no invitation to act, or the caller would act for herself.
   */
  readonly acceptProxy: CallHandler;
}

interface Accepted {
  /** The account that was made for whoever would come. */
  readonly invited: AccountId;
  readonly grants: readonly Grant[];
}

const notToAct = refuse("forbidden", {
  detail: "This code opens an account of its own; it is not an invitation to act for somebody.",
});
const forOneself = refuse("forbidden", { detail: "Nobody acts for herself." });

/** What the invited account was granted, if the caller may take it over. */
async function acceptable(
  tx: Queryable,
  deps: AcceptingDeps,
  me: Account,
  invited: AccountId,
): Promise<Result<readonly Grant[]>> {
  const now = deps.clock.now();
  const max = identityLimits.grantsPerAccount;
  if (me.kind !== "person" || !(await isForActingAlone(tx, invited))) return notToAct;
  const grants = (await findGrantsOf(tx, invited, now, max)).map((row) => openGrant(deps, row));
  if (grants.length === 0) return notToAct;
  const own: readonly string[] = me.roles.includes("patient") ? me.patients : [];
  if (grants.some(({ patient }) => own.includes(patient))) return forOneself;
  const held = await findGrantsOf(tx, me.id, now, max);
  return held.length + grants.length > max ? refuse("too-costly") : ok(grants);
}

/** Code, grants and the account that nobody needs any more: all or nothing. */
async function accept(
  deps: AcceptingDeps,
  me: Account,
  code: string,
  birthDate: BirthDate | null,
): Promise<Result<Accepted>> {
  const { blind, clock } = deps;
  const now = clock.now();
  const codeBlind = blind("paper-code", code);
  const factBlind = factOf(blind, code, birthDate);
  const failuresMax = identityLimits.failuresPerPaperCode;
  return deps.db.transaction(async (tx): Promise<Result<Accepted>> => {
    const taken = await tryInvitation(tx, { codeBlind, factBlind, now, failuresMax });
    const invited = taken === null ? null : parseAccountId(taken.account);
    if (taken === null || invited === null) return refuse("enrolment-link-refused");
    await holdAccount(tx, invited);
    const grants = taken.purpose === "enrol" ? await acceptable(tx, deps, me, invited) : notToAct;
    if (!grants.ok) {
      await giveBackInvitation(tx, codeBlind);
      return grants;
    }
    await holdAccount(tx, me.id);
    await moveGrants(tx, invited, me.id, now);
    await addProxyRole(tx, me.id);
    await actAnew(tx, me.id, now, deps);
    await dropKeys(tx, invited, now);
    await setStatus(tx, invited, "closed");
    return ok({ invited, grants: grants.value });
  });
}

/** The entry written before could not yet name the account that the code was for. */
async function tell(
  { trail, clock }: AcceptingDeps,
  { claims, request }: Call,
  { invited, grants }: Accepted,
): Promise<Answer> {
  const unwritten = await trail.note({
    action: "account-change",
    facts: request.facts,
    about: claims.account,
    session: claims.session,
    device: claims.device,
    client: claims.client,
    resourceId: invited,
    reasons: ["proxy-accepted"],
  });
  if (unwritten !== null) return problemAnswer(unwritten);
  const now = clock.now();
  const accepted: ProxyAccepted = {
    accepted: grants.map((grant) => shownGrant(grant, grant.patientName, now)),
  };
  return answer(accepted);
}

export function createAccepting(deps: AcceptingDeps): Accepting {
  const { blind, throttle, clock, calls } = deps;
  const deed = { action: "account-change", name: "proxy-accepted" } as const;
  return {
    acceptProxy: calls.change(deed, async (call) => {
      const { body, facts } = call.request;
      const code = parseCode(body["code"]);
      // As where a stranger types it: what is no code is charged like a wrong one.
      const charged = blind("paper-code", code ?? "");
      const waitMs = await throttle.charge(charged, facts.address);
      if (waitMs > 0) return problemAnswer(problem("rate-limited"), Math.ceil(waitMs / 1_000));
      if (code === null) return problemAnswer(problem("enrolment-link-refused"));
      const birthDate = parseBirthDate(body["birthDate"], clock.now());
      const accepted = await accept(deps, call.account, code, birthDate);
      if (!accepted.ok) return problemAnswer(accepted.problem);
      await throttle.forgive(charged, facts.address);
      return tell(deps, call, accepted.value);
    }),
  };
}
