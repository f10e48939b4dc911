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
import { addNotice } from "#identity/recovery/notice-store.ts";
import { hashOfCode } from "#identity/recovery/own-recovery.ts";
import { useCodeOf } from "#identity/recovery/recovery-code-store.ts";
import { openText } from "#identity/sealed.ts";
import type { Sealer } from "#vault/sealer.ts";
import { putPassword, takePassword } from "#identity/sign-in/sign-in-store.ts";
import type { Database } from "#storage/database.ts";

export interface PasswordStepDeps {
  readonly db: Database;
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

/** A recovery code with its hyphens is the longest. */
const codeCharsMax = 40;

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

/** A recovery code stands in for the code of a lost phone, once; the person is told of it. */
async function isRecoveryCodeOf(
  { db, clock }: PasswordStepDeps,
  account: AccountId,
  hash: Buffer,
): Promise<boolean> {
  const now = clock.now();
  return db.transaction(async (tx) => {
    if (!(await useCodeOf(tx, account, hash, now))) return false;
    await addNotice(tx, account, "recovery-code-used", now);
    return true;
  });
}

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
  const now = deps.clock.now();
  const recoveryHash = hashOfCode(deps.blind, code);
  if (recoveryHash !== null && asked !== null) return isRecoveryCodeOf(deps, asked, recoveryHash);
  const step = stepOfCode(seed, code, now);
  if (step === null || sealed === null || account === null) return false;
  return useStep(deps.db, account, step);
}

async function check(deps: PasswordStepDeps, step: PasswordStep): Promise<CodeChecked> {
  const given = await takePassword(deps.db, step.key, deps.clock.now());
  const account =
    given?.account === undefined || given.account === null ? null : parseAccountId(given.account);
  const code = textOf(step.body, "code", codeCharsMax) ?? "";
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
