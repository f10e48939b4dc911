import type { Clock } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { refuse, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { displayNamePurpose, type FindAccount } from "#identity/accounts/account.ts";
import { findByExternalId, insertAccount } from "#identity/accounts/account-store.ts";
import { normalLogin, type Blind } from "#identity/blind.ts";
import { makeLink } from "#identity/enrolment/enrolment.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { storeGrant } from "#identity/people/granting.ts";
import { nameBlind } from "#identity/people/name-index.ts";
import {
  parseAccountRequest,
  type AccountRequest,
  type PasswordSignIn,
} from "#identity/operator/account-request.ts";
import { hashPassword, type PasswordHash } from "#identity/password/password.ts";
import { insertPassword } from "#identity/password/password-store.ts";
import { insertSeed } from "#identity/password/totp-store.ts";
import { sealText } from "#identity/sealed.ts";
import { totpPurpose } from "#identity/sign-in/password-steps.ts";
import type { Trail } from "#identity/trail.ts";
import type { Database, Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface AccountsDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly findAccount: FindAccount;
  readonly trail: Trail;
}

/** What operators' commands may ask, by mutual TLS as role operator. */
export interface OperatorAccounts {
  /**
   * Makes an account and a one-time link to enrol a passkey: `{ account, enrolPath }`. With an
   * `externalId` that is known, the account stays as it is and only the link is new.
   */
  create(body: JsonObject): Promise<Answer>;
  /** A new link for `{ account }`; older ones no longer work. */
  link(body: JsonObject): Promise<Answer>;
}

interface Prepared {
  readonly signIn: PasswordSignIn;
  readonly hash: PasswordHash;
}

async function storeSignIn(
  tx: Queryable,
  id: AccountId,
  { signIn, hash }: Prepared,
  sealer: Sealer,
): Promise<void> {
  await insertPassword(tx, id, hash);
  await insertSeed(tx, id, sealText(sealer, totpPurpose(id), signIn.totpSeed));
}

export interface NewPerson {
  readonly wanted: AccountRequest;
  readonly externalBlind: Buffer | null;
  readonly kind: "person" | "break-glass";
  readonly grantedBy: AccountId | null;
}

/** Stores account and grants; null when the external id or user name is another's. */
export async function insertPerson(
  tx: Queryable,
  deps: Pick<AccountsDeps, "sealer" | "clock" | "random" | "blind">,
  { wanted, externalBlind, kind, grantedBy }: NewPerson,
): Promise<AccountId | null> {
  const { sealer, blind } = deps;
  const id = parseAccountId(deps.random.uuid());
  invariant(id !== null, "a fresh uuid is an account id");
  const login = wanted.signIn === null ? null : normalLogin(wanted.signIn.login);
  const now = deps.clock.now();
  const stored = await insertAccount(tx, {
    id,
    externalBlind,
    loginBlind: login === null ? null : blind("login", login),
    displayNameSealed: sealText(sealer, displayNamePurpose(id), wanted.displayName),
    loginSealed: login === null ? null : sealText(sealer, `account-login:${id}`, login),
    roles: wanted.roles,
    patients: wanted.patients,
    practitioner: wanted.practitioner,
    createdAt: now,
    kind,
    status: kind === "break-glass" ? "sealed" : "active",
    departments: wanted.departments,
    nameBlind: nameBlind(blind, wanted.displayName),
  });
  if (!stored) return null;
  for (const grant of wanted.actsFor)
    await storeGrant(tx, deps, { ...grant, proxy: id, grantedBy }, now);
  return id;
}

/** The new account's id; null when its external id or user name is another's. */
async function store(
  deps: AccountsDeps,
  wanted: AccountRequest,
  externalBlind: Buffer | null,
): Promise<AccountId | null> {
  const { signIn } = wanted;
  // Before the transaction, as it takes long.
  const hash = signIn === null ? null : await hashPassword(signIn.password, deps.random);
  return deps.db.transaction(async (tx) => {
    const person = { wanted, externalBlind, kind: "person", grantedBy: null } as const;
    const id = await insertPerson(tx, deps, person);
    if (id !== null && signIn !== null && hash !== null)
      await storeSignIn(tx, id, { signIn, hash }, deps.sealer);
    return id;
  });
}

async function accountFor(deps: AccountsDeps, wanted: AccountRequest): Promise<Result<AccountId>> {
  const { externalId } = wanted;
  const blind = externalId === null ? null : deps.blind("external-id", externalId);
  const known = async (): Promise<AccountId | null> => {
    const id = blind === null ? null : await findByExternalId(deps.db, blind);
    return id === null ? null : parseAccountId(id);
  };
  // Another request may store it between the look and the write.
  const id = (await known()) ?? (await store(deps, wanted, blind)) ?? (await known());
  return id === null ? refuse("edit-conflict", { at: "login" }) : ok(id);
}

export function createOperatorAccounts(deps: AccountsDeps): OperatorAccounts {
  const linkFor = async (account: AccountId): Promise<Answer> => {
    const enrolPath = await deps.db.transaction((tx) => makeLink(tx, account, deps));
    const unwritten = await deps.trail.note({
      action: "enrol",
      facts: null,
      actor: "process:operator",
      resourceId: account,
      reasons: ["enrolment-link"],
    });
    return unwritten === null ? answer({ account, enrolPath }) : problemAnswer(unwritten);
  };
  const refused = (problem: Problem): Answer => problemAnswer(problem);
  return {
    create: async (body) => {
      const wanted = parseAccountRequest(body, deps.clock.now());
      if (!wanted.ok) return refused(wanted.problem);
      const account = await accountFor(deps, wanted.value);
      return account.ok ? linkFor(account.value) : refused(account.problem);
    },
    link: async (body) => {
      const given = body["account"];
      const id = typeof given === "string" ? parseAccountId(given) : null;
      const account = id === null ? null : await deps.findAccount(id);
      const isPersons = account !== null && account.kind !== "service";
      return isPersons ? linkFor(account.id) : refused({ code: "not-found" });
    },
  };
}
