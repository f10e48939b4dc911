import type { ClientFacts } from "#core/client-facts.ts";
import { laterBy, type Clock } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { failed, ok, unreachable, type Result } from "#core/result.ts";
import type { EnrolOffer } from "#core/wire.ts";
import type { Account, FindAccount } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import {
  burnLink,
  burnLinksOf,
  challengeLink,
  insertLink,
  takeLinkChallenge,
  type LinkUse,
} from "#identity/enrolment/enrolment-store.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import type { NewPasskey } from "#identity/passkeys/passkey-store.ts";
import { checkNumberOf } from "#identity/passkeys/check-number.ts";
import type { Passkeys } from "#identity/passkeys/passkey.ts";
import { addNotice } from "#identity/recovery/notice-store.ts";
import { endInvitations } from "#identity/people/invitation-store.ts";
import {
  closeRecoveries,
  finishRecovery,
  forgetFactors,
} from "#identity/recovery/recovery-store.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Trail } from "#identity/trail.ts";
import type { Database, Queryable } from "#storage/database.ts";

export interface EnrolmentDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly passkeys: Passkeys;
  readonly findAccount: FindAccount;
  readonly sessions: Pick<Sessions, "endAccount">;
  readonly trail: Trail;
}

/** 256 bits: not to be guessed, so that holding the link is proof enough to enrol. */
const tokenBytes = 32;
const tokenForm = /^[A-Za-z0-9_-]{43}$/;

const lifeOf = ({ purpose }: LinkUse): number =>
  purpose === "second-device" ? identityLimits.secondDeviceMs : identityLimits.enrolmentLinkMs;

/** Makes a one-time link for the account and revokes its older ones. The token is nowhere kept. */
export async function makeLink(
  db: Queryable,
  account: AccountId,
  { clock, random, blind }: Pick<EnrolmentDeps, "clock" | "random" | "blind">,
  use: LinkUse = { purpose: "invitation" },
): Promise<string> {
  const token = random.bytes(tokenBytes).toString("base64url");
  const now = clock.now();
  await insertLink(db, {
    tokenHash: blind("enrolment-token", token),
    account,
    now,
    expiresAt: laterBy(now, lifeOf(use)),
    use,
  });
  // In the fragment, as browsers send no fragment to any server and into no log.
  return `/enrol#token=${token}`;
}

function hashOf(body: JsonObject, blind: Blind): Buffer | null {
  const token = body["token"];
  return typeof token === "string" && tokenForm.test(token)
    ? blind("enrolment-token", token)
    : null;
}

/** A service proves itself by its own key: nobody signs in as one. */
async function findPerson({ findAccount }: EnrolmentDeps, id: AccountId): Promise<Account | null> {
  const account = await findAccount(id);
  return account === null || account.kind === "service" ? null : account;
}

async function begin(deps: EnrolmentDeps, tokenHash: Buffer): Promise<Result<EnrolOffer>> {
  const now = deps.clock.now();
  const challenge = deps.random.bytes(32);
  const endsAt = laterBy(now, identityLimits.challengeMs);
  const id = await challengeLink(deps.db, tokenHash, { challenge, endsAt, now });
  const accountId = id === null ? null : parseAccountId(id);
  const account = accountId === null ? null : await findPerson(deps, accountId);
  const options = account === null ? null : await deps.passkeys.offer(account, challenge);
  if (account === null || options === null) return refuse("enrolment-link-refused");
  return ok({ displayName: account.displayName, options });
}

async function accept(
  deps: EnrolmentDeps,
  tokenHash: Buffer,
  body: JsonObject,
): Promise<Result<NewPasskey & { readonly account: AccountId }>> {
  const passkeyName = textOf(body, "passkeyName", identityLimits.passkeyNameChars);
  if (passkeyName === null) return refuse("parameter-invalid", { at: "passkeyName" });
  const link = await takeLinkChallenge(deps.db, tokenHash, deps.clock.now());
  const id = link === null ? null : parseAccountId(link.account);
  const account = id === null ? null : await findPerson(deps, id);
  if (link === null || account === null) return refuse("enrolment-link-refused");
  const owner = { account: account.id, passkeyName };
  const passkey = await deps.passkeys.accept(body["credential"], link.challenge, owner);
  return passkey === null ? refuse("passkey-refused") : ok({ ...passkey, account: account.id });
}

/** Stores the passkey and burns the link: both or neither. */
async function keep(
  deps: EnrolmentDeps,
  tokenHash: Buffer,
  passkey: NewPasskey & { readonly account: AccountId },
): Promise<Result<LinkUse>> {
  const now = deps.clock.now();
  return deps.db.transaction(async (tx) => {
    // The link first: of two requests with one link, the second waits here and then finds it used.
    const link = await burnLink(tx, tokenHash, now);
    if (link === null) return refuse("enrolment-link-refused");
    if (link.purpose === "recovery" && !(await finishRecovery(tx, link.recovery)))
      return refuse("enrolment-link-refused");
    const usable = link.purpose !== "second-device";
    // A credential known already leaves the link used: whoever made it cheated or holds the passkey.
    if (!(await deps.passkeys.keep(tx, { ...passkey, usable }))) return refuse("passkey-refused");
    await settle(deps, tx, passkey, link);
    return ok(link);
  });
}

/** What follows from a new passkey, by what its link was for. */
async function settle(
  deps: EnrolmentDeps,
  tx: Queryable,
  { account, credentialId }: NewPasskey & { readonly account: AccountId },
  { purpose }: LinkUse,
): Promise<void> {
  const now = deps.clock.now();
  switch (purpose) {
    case "second-device":
      // Nothing yet: the first device must confirm it.
      return;
    case "invitation":
      // She has come: the code on paper that went out with the link must let nobody else in.
      await endInvitations(tx, account, now);
      return addNotice(tx, account, "passkey-added", now);
    case "recovery":
      // Whatever was lost may be in wrong hands: it opens nothing any more, here or elsewhere.
      await forgetFactors(tx, account, credentialId);
      await closeRecoveries(tx, account);
      await burnLinksOf(tx, account, now);
      await endInvitations(tx, account, now);
      await deps.sessions.endAccount(account, tx);
      return addNotice(tx, account, "recovery-finished", now);
    default:
      unreachable(purpose);
  }
}

/** The log tells of the passkey before it is there: one that nobody hears of would be a way in for good. */
async function finish(
  deps: EnrolmentDeps,
  tokenHash: Buffer,
  body: JsonObject,
  facts: ClientFacts,
): Promise<Result<Enrolled>> {
  const accepted = await accept(deps, tokenHash, body);
  if (!accepted.ok) return accepted;
  const about = accepted.value.account;
  const unwritten = await deps.trail.note({ action: "enrol", facts, about });
  if (unwritten !== null) return failed(unwritten);
  const kept = await keep(deps, tokenHash, accepted.value);
  if (!kept.ok) return kept;
  const { credentialId } = accepted.value;
  const isSecond = kept.value.purpose === "second-device";
  return ok({ confirm: isSecond ? checkNumberOf(deps.blind, credentialId) : null });
}

interface Enrolled {
  /** The number that the first device shows too; null when nothing is left to confirm. */
  readonly confirm: string | null;
}

export interface Enrolment {
  /** EnrolOffer of core/wire.ts. */
  begin(body: JsonObject, facts: ClientFacts): Promise<Answer>;
  /**
   * `{ "enrolled": true }`; the person then signs in with the new passkey. By the link of a second
   * device `{ "enrolled": true, "confirm": "123456" }`: it works once the first device, which shows
   * the same number, has confirmed it.
   */
  finish(body: JsonObject, facts: ClientFacts): Promise<Answer>;
}

export function createEnrolment(deps: EnrolmentDeps): Enrolment {
  const deny = async (refused: Result<never>, facts: ClientFacts): Promise<Answer> => {
    const found = refused.ok ? problem("unexpected") : refused.problem;
    const unwritten = await deps.trail.note({ action: "enrol", facts, refused: found.code });
    return problemAnswer(unwritten ?? found);
  };
  return {
    begin: async (body, facts) => {
      const tokenHash = hashOf(body, deps.blind);
      if (tokenHash === null) return deny(refuse("enrolment-link-refused"), facts);
      const offer = await begin(deps, tokenHash);
      return offer.ok ? answer(offer.value) : deny(offer, facts);
    },
    finish: async (body, facts) => {
      const tokenHash = hashOf(body, deps.blind);
      if (tokenHash === null) return deny(refuse("enrolment-link-refused"), facts);
      const done = await finish(deps, tokenHash, body, facts);
      if (!done.ok) return deny(done, facts);
      const { confirm } = done.value;
      return answer({ enrolled: true, ...(confirm === null ? {} : { confirm }) });
    },
  };
}
