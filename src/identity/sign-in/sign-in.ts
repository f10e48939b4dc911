import type { Interaction } from "oidc-provider";
import type { ClientFacts } from "#core/client-facts.ts";
import { laterBy, type Clock, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { problem, type ProblemCode } from "#core/problem.ts";
import { limits } from "#core/limits.ts";
import type { Random } from "#core/random.ts";
import { unreachable } from "#core/result.ts";
import type { SignInState, SignInStep } from "#core/wire.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import { keepAttestation } from "#identity/devices/attestation-store.ts";
import { isFirstParty } from "#identity/oidc/clients.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Passkeys, Proven } from "#identity/passkeys/passkey.ts";
import type { OutsideSignIn, OutsideStep } from "#identity/outside/outside-sign-in.ts";
import type { PasswordSteps } from "#identity/sign-in/password-steps.ts";
import type { Exchange, Interactions, SignedIn } from "#identity/sign-in/interaction.ts";
import {
  countFailure,
  dropSignIn,
  failuresOf,
  putChallenge,
  takeChallenge,
} from "#identity/sign-in/sign-in-store.ts";
import type { Trail } from "#identity/trail.ts";
import type { Queryable } from "#storage/database.ts";

export interface SignInDeps {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly interactions: Interactions;
  readonly findAccount: FindAccount;
  readonly passkeys: Passkeys;
  readonly passwordSteps: PasswordSteps;
  readonly outside: OutsideSignIn;
  readonly trail: Trail;
}

/** One request of the sign-in page. */
export interface SignInRequest {
  readonly exchange: Exchange;
  readonly uid: string;
  readonly body: JsonObject;
  readonly facts: ClientFacts;
}

export type SignInAction =
  | "state"
  | "passkey-options"
  | "passkey"
  | "password"
  | "totp"
  | "outside-begin"
  | "outside-finish";

interface Step extends SignInRequest {
  readonly interaction: Interaction;
  /** Names the sign-in in the database. */
  readonly key: Buffer;
  readonly expiresAt: Instant;
}

const clientOf = (step: Step): string | null => {
  const id = step.interaction.params["client_id"];
  return typeof id === "string" ? id : null;
};

async function deny(
  deps: SignInDeps,
  step: Step,
  code: ProblemCode,
  about: AccountId | null,
): Promise<Answer> {
  await countFailure(deps.db, step.key, step.expiresAt);
  const happening = { action: "sign-in", facts: step.facts, client: clientOf(step) } as const;
  const unwritten = await deps.trail.note({ ...happening, refused: code, about });
  return problemAnswer(unwritten ?? problem(code));
}

async function permit(
  deps: SignInDeps,
  step: Step,
  as: SignedIn,
  reasons: readonly string[] = [],
): Promise<Answer> {
  const { account, amr } = as;
  const person = await deps.findAccount(account);
  if (person === null || person.kind === "service")
    return deny(deps, step, "sign-in-failed", account);
  const unwritten = await deps.trail.note({
    action: "sign-in",
    facts: step.facts,
    client: clientOf(step),
    about: account,
    role: person.roles[0] ?? null,
    reasons: [...reasons, ...(amr.length === 0 ? [] : [amr.join("+")])],
  });
  if (unwritten !== null) return problemAnswer(unwritten);
  const redirectTo = await deps.interactions.finish(step.exchange, step.interaction, as);
  await dropSignIn(deps.db, step.key);
  return answer({ next: "redirect", redirectTo } satisfies SignInStep);
}

async function askForPasskey(deps: SignInDeps, step: Step): Promise<Answer> {
  const challenge = deps.random.bytes(32);
  await putChallenge(deps.db, {
    interaction: step.key,
    challenge,
    challengeEndsAt: laterBy(deps.clock.now(), identityLimits.challengeMs),
    expiresAt: step.expiresAt,
  });
  return answer(await deps.passkeys.askAny(challenge));
}

async function checkPasskey(deps: SignInDeps, step: Step): Promise<Answer> {
  const challenge = await takeChallenge(deps.db, step.key, deps.clock.now());
  const proven =
    challenge === null ? null : await deps.passkeys.verify(step.body["credential"], challenge);
  if (proven === null) return deny(deps, step, "passkey-refused", null);
  const { account, hardware } = proven;
  const reasons = hardware === null ? [] : ["passkey-attested"];
  const done = await permit(deps, step, { account, amr: ["hwk", "user"] }, reasons);
  if (done.problem === undefined && hardware !== null) await vouch(deps, step, hardware);
  return done;
}

const thumbprintForm = /^[A-Za-z0-9_-]{43}$/;

/**
 * The hardware of the passkey vouches for the portal's key beside it, to which the code is bound
 * (RFC 9449 §10), until the sign-in ends. An app of others may keep its key elsewhere.
 */
async function vouch(
  { db, clock, random }: SignInDeps,
  step: Step,
  { credentialId, until }: NonNullable<Proven["hardware"]>,
): Promise<void> {
  const client = clientOf(step);
  const jkt = step.interaction.params["dpop_jkt"];
  if (client === null || !isFirstParty(client)) return;
  if (typeof jkt !== "string" || !thumbprintForm.test(jkt)) return;
  const now = clock.now();
  const signInEnds = laterBy(now, limits.sessionMaxMs);
  const validUntil = until < signInEnds ? until : signInEnds;
  const attested = { id: random.uuid(), jkt, subject: credentialId, now, validUntil };
  await keepAttestation(db, attested);
}

async function checkPassword(deps: SignInDeps, step: Step): Promise<Answer> {
  const taken = await deps.passwordSteps.takePassword(step);
  if (taken.kind === "wait") {
    const denied = await deny(deps, step, "rate-limited", null);
    return { ...denied, retryAfterSeconds: taken.seconds };
  }
  if (taken.kind === "malformed") return problemAnswer(problem("parameter-invalid"));
  return answer({ next: "totp" } satisfies SignInStep);
}

async function checkCode(deps: SignInDeps, step: Step): Promise<Answer> {
  const { proven, about } = await deps.passwordSteps.checkCode(step);
  return proven === null
    ? deny(deps, step, "sign-in-failed", about)
    : permit(deps, step, { account: proven, amr: ["pwd", "otp"] });
}

/** OpenID Connect Core §3.1.2.1: `prompt=login` and `max_age` ask for a proof made now. */
function outsideStep(step: Step): OutsideStep {
  const { prompt, max_age: maxAge } = step.interaction.params;
  const isLoginAsked = typeof prompt === "string" && prompt.split(" ").includes("login");
  return { ...step, isFreshAsked: isLoginAsked || maxAge !== undefined };
}

const leaveFor = (deps: SignInDeps, step: Step): Promise<Answer> =>
  deps.outside.begin(outsideStep(step));

async function comeBack(deps: SignInDeps, step: Step): Promise<Answer> {
  const end = await deps.outside.finish(outsideStep(step));
  switch (end.kind) {
    case "proven":
      return permit(deps, step, end, [`outside:${end.provider}`]);
    case "refused":
      return deny(deps, step, end.code, end.about);
    case "unlinked": {
      const denied = await deny(deps, step, "outside-not-linked", null);
      const isNoted = denied.problem?.code === "outside-not-linked";
      if (!isNoted) return denied;
      return answer({ next: "approval", reference: end.reference } satisfies SignInStep);
    }
    default:
      return unreachable(end);
  }
}

const steps: Readonly<
  Record<Exclude<SignInAction, "state">, (deps: SignInDeps, step: Step) => Promise<Answer>>
> = {
  "passkey-options": askForPasskey,
  passkey: checkPasskey,
  password: checkPassword,
  totp: checkCode,
  "outside-begin": leaveFor,
  "outside-finish": comeBack,
};

/** Answers the sign-in page of one interaction. */
export type SignIn = (action: SignInAction, request: SignInRequest) => Promise<Answer>;

export function createSignIn(deps: SignInDeps): SignIn {
  return async (action, request) => {
    const found = await deps.interactions.find(request.exchange, request.uid);
    if (!found.ok) return problemAnswer(found.problem);
    const interaction = found.value;
    const step: Step = {
      ...request,
      interaction,
      key: deps.blind("interaction", interaction.uid),
      expiresAt: laterBy(deps.clock.now(), identityLimits.interactionMs),
    };
    if (action === "state") {
      const { offers, isBack } = await deps.outside.offers(step);
      const { name: prompt } = interaction.prompt;
      const state: SignInState = { client: clientOf(step), prompt, outside: offers, isBack };
      return answer(state);
    }
    if ((await failuresOf(deps.db, step.key)) >= identityLimits.failuresPerSignIn)
      return problemAnswer(problem("sign-in-expired"));
    return steps[action](deps, step);
  };
}
