import type { AuditAction } from "#core/audit-entry.ts";
import type { Clock } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import type { PersonRole } from "#core/policy-request.ts";
import type { Account, FindAccount } from "#identity/accounts/account.ts";
import type { Admit, Admitted, TokenRequest } from "#identity/calls/admit.ts";
import { problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Happening, Trail } from "#identity/trail.ts";

/** A request of a signed-in person; `id` is what stands in the address for `:id`, else "". */
export interface CallRequest extends TokenRequest {
  readonly body: JsonObject;
  readonly id: string;
}

/** What an act is told: who asks, and what. */
export interface Call extends Admitted {
  readonly account: Account;
  readonly request: CallRequest;
}

export type Act = (call: Call) => Promise<Answer>;
export type CallHandler = (request: CallRequest) => Promise<Answer>;

export interface Deed {
  readonly action: AuditAction;
  /** Stands in the log as the reason, in kebab case: what was done, e.g. passkey-added. */
  readonly name: string;
  /** Raised as an alarm each time. */
  readonly signal?: string;
  /** Whether the account that the address names is what it is about. */
  readonly isAboutId?: boolean;
}

function toldOf({ action, name, signal, isAboutId }: Deed, call: Call): Happening {
  const id = isAboutId === true ? parseAccountId(call.request.id) : null;
  return {
    action,
    facts: call.request.facts,
    ...knownOf(call),
    reasons: [name],
    ...(signal === undefined ? {} : { signal }),
    ...(id === null ? {} : { resourceId: id }),
  };
}

/** What did not come to pass is nothing to be alarmed by: else anybody could raise an alarm at will. */
function failureOf({ name }: Deed, { problem: found }: Answer): Partial<Happening> {
  if (found === undefined) return {};
  return { refused: found.code, reasons: [name, found.code], signal: null };
}

/**
 * The ways to answer signed-in people. Each checks token, proof and session first, and each leaves
 * an entry that is durable before the answer. Only the portal may call: an app that somebody let
 * read her record may not touch how she signs in.
 */
export interface Calls {
  /** Shows something. */
  read(act: Act): CallHandler;
  /** Ends something; done even while the log cannot be written, but then not said to be. */
  end(deed: Deed, act: Act): CallHandler;
  /** Changes something: the log says so first, and a second entry says when it did not come to pass. */
  change(deed: Deed, act: Act): CallHandler;
  /** Like change, but the person must have proven herself within 5 minutes, else "step-up-needed". */
  sensitive(deed: Deed, act: Act): CallHandler;
}

export interface CallsDeps {
  readonly admit: Admit;
  readonly clock: Clock;
  readonly findAccount: FindAccount;
  readonly trail: Trail;
  /** Whoever has none of these roles is refused as "forbidden"; without it, everybody may call. */
  readonly roles?: readonly PersonRole[];
}

const knownOf = ({ claims }: Admitted): Partial<Happening> & { readonly about: AccountId } => ({
  about: claims.account,
  session: claims.session,
  device: claims.device,
  client: claims.client,
});

/** Whether the person proved herself so lately that she may change how she signs in. */
export function isFresh({ session }: Admitted, clock: Clock): boolean {
  const { signedInAt } = session;
  return signedInAt !== null && clock.now() - signedInAt <= identityLimits.freshSignInMs;
}

export function createCalls({ admit, clock, findAccount, trail, roles }: CallsDeps): Calls {
  const deny = async (
    request: TokenRequest,
    action: AuditAction,
    found: Problem,
    known: Partial<Happening> = {},
  ): Promise<Answer> => {
    const { facts } = request;
    const unwritten = await trail.note({ ...known, action, facts, refused: found.code });
    return problemAnswer(unwritten ?? found);
  };
  const withCall = async (
    request: CallRequest,
    action: AuditAction,
    go: (call: Call) => Promise<Answer>,
  ): Promise<Answer> => {
    const admitted = await admit(request);
    if (!admitted.ok) return deny(request, action, admitted.problem);
    const known = knownOf(admitted.value);
    const account = await findAccount(admitted.value.claims.account);
    if (account === null) return deny(request, action, problem("session-ended"), known);
    if (roles !== undefined && !account.roles.some((role) => roles.includes(role)))
      return deny(request, action, problem("forbidden"), known);
    return go({ ...admitted.value, account, request });
  };
  const afterwards =
    (deed: Deed, act: Act): CallHandler =>
    (request) =>
      withCall(request, deed.action, async (call) => {
        const done = await act(call);
        const told = toldOf(deed, call);
        const unwritten = await trail.note({ ...told, ...failureOf(deed, done) }, call.proof);
        return unwritten === null ? done : problemAnswer(unwritten);
      });
  const beforehand =
    (deed: Deed, act: Act, mustBeFresh: boolean): CallHandler =>
    (request) =>
      withCall(request, deed.action, async (call) => {
        if (mustBeFresh && !isFresh(call, clock))
          return deny(request, deed.action, problem("step-up-needed"), knownOf(call));
        const told = toldOf(deed, call);
        const unwritten = await trail.note(told, call.proof);
        if (unwritten !== null) return problemAnswer(unwritten);
        const done = await act(call);
        if (done.problem === undefined) return done;
        const reasons = [deed.name, done.problem.code];
        const lost = await trail.note({ ...told, decision: "error", reasons, signal: null });
        return lost === null ? done : problemAnswer(lost);
      });
  return {
    read: (act) => afterwards({ action: "read", name: "own-account" }, act),
    end: afterwards,
    change: (deed, act) => beforehand(deed, act, false),
    sensitive: (deed, act) => beforehand(deed, act, true),
  };
}
