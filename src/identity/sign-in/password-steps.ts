import { laterBy, type Clock, type Instant } from "#core/clock.ts";
import type { ClientFacts } from "#core/client-facts.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { normalLogin, type Blind } from "#identity/blind.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import type { CheckPassword } from "#identity/password/password.ts";
import { findPassword } from "#identity/password/password-store.ts";
import type { Throttle } from "#identity/password/throttle.ts";
import { nobodysSeed, stepOfCode } from "#identity/password/totp.ts";
import { findSeed, useStep } from "#identity/password/totp-store.ts";
import { openText } from "#identity/sealed.ts";
import type { Sealer } from "#vault/sealer.ts";
import { putPassword, takePassword } from "#identity/sign-in/sign-in-store.ts";
import type { Queryable } from "#storage/database.ts";

export interface PasswordStepDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly blind: Blind;
  readonly throttle: Throttle;
  readonly checkPassword: CheckPassword;
}

export interface PasswordStep {
  readonly body: JsonObject;
  readonly facts: ClientFacts;
  /** Names the sign-in in the database. */
  readonly key: Buffer;
  readonly expiresAt: Instant;
}

/**
 * Password, then code. The first step is answered alike whether the password was right, wrong or
 * of nobody, and takes the same time; only the second tells, and not which of the two was wrong.
 */
export interface PasswordSteps {
  takePassword(step: PasswordStep): Promise<PasswordTaken>;
  /** `proven` when password and code were right; else `about` is the account that was guessed at, if any. */
  checkCode(step: PasswordStep): Promise<CodeChecked>;
}

export type PasswordTaken =
  | { readonly kind: "taken" }
  | { readonly kind: "malformed" }
  | { readonly kind: "wait"; readonly seconds: number };

export interface CodeChecked {
  readonly proven: AccountId | null;
  readonly about: AccountId | null;
}

export const totpPurpose = (account: AccountId): string => `totp-seed:${account}`;

/** Told to whom the machine has no room for just now. */
const busySeconds = 2;

async function take(deps: PasswordStepDeps, step: PasswordStep): Promise<PasswordTaken> {
  const { db, clock } = deps;
  const login = textOf(step.body, "login", identityLimits.loginChars);
  const password = textOf(step.body, "password", identityLimits.passwordCharsMax);
  if (login === null || password === null) return { kind: "malformed" };
  const loginBlind = deps.blind("login", normalLogin(login));
  const waitMs = await deps.throttle.charge(loginBlind, step.facts.address);
  if (waitMs > 0) return { kind: "wait", seconds: Math.ceil(waitMs / 1_000) };
  const stored = await findPassword(db, loginBlind);
  const isRight = await deps.checkPassword(password, stored);
  if (isRight === null) return { kind: "wait", seconds: busySeconds };
  await putPassword(db, {
    interaction: step.key,
    account: isRight && stored !== null ? stored.account : null,
    loginBlind,
    passwordEndsAt: laterBy(clock.now(), identityLimits.passwordStepMs),
    expiresAt: step.expiresAt,
  });
  return { kind: "taken" };
}

/** A uuid of no account: what is done for an account is done for nobody too. */
const nobody = parseAccountId("00000000-0000-0000-0000-000000000000");

async function isCodeOf(
  deps: PasswordStepDeps,
  account: AccountId | null,
  code: string,
): Promise<boolean> {
  const asked = account ?? nobody;
  const sealed = asked === null ? null : await findSeed(deps.db, asked);
  const seed =
    sealed === null || account === null
      ? nobodysSeed
      : openText(deps.sealer, totpPurpose(account), sealed);
  const step = stepOfCode(seed, code, deps.clock.now());
  if (step === null || sealed === null || account === null) return false;
  return useStep(deps.db, account, step);
}

async function check(deps: PasswordStepDeps, step: PasswordStep): Promise<CodeChecked> {
  const given = await takePassword(deps.db, step.key, deps.clock.now());
  const account =
    given?.account === undefined || given.account === null ? null : parseAccountId(given.account);
  const code = textOf(step.body, "code", 16) ?? "";
  const isRight = await isCodeOf(deps, account, code.replace(/\s/g, ""));
  if (!isRight || given === null) return { proven: null, about: account };
  await deps.throttle.forgive(given.loginBlind, step.facts.address);
  return { proven: account, about: account };
}

export function createPasswordSteps(deps: PasswordStepDeps): PasswordSteps {
  return {
    takePassword: (step) => take(deps, step),
    checkCode: (step) => check(deps, step),
  };
}
