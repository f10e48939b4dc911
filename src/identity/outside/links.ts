import { laterBy, toIso, type Clock } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { isWorkforce, type FindAccount } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import { outsideLimits } from "#identity/outside/limits.ts";
import {
  deleteLink,
  findLinked,
  insertLink,
  listLinks,
  listWaiting,
  putWaiting,
  takeWaiting,
} from "#identity/outside/link-store.ts";
import type { OutsideProvider, OutsideProviderId } from "#identity/outside/provider.ts";
import { openText, sealText } from "#identity/sealed.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

/** A person as a provider knows her. `name` and `email` are its words and decide nothing. */
export interface OutsideSubject {
  readonly sub: string;
  readonly name: string | null;
  readonly email: string | null;
}

export interface WaitingPerson extends OutsideSubject {
  readonly reference: string;
  readonly provider: string;
  readonly expiresAt: string;
}

export interface LinkedPerson {
  readonly provider: string;
  readonly sub: string;
  readonly account: string;
  readonly approvedAt: string;
}

/**
 * Who of a provider's people is which account. Issuer and `sub` alone name a person (OpenID Connect
 * Core §5.7): an e-mail address can be given to somebody else. Each link is approved by a person.
 */
export interface Links {
  /** Null when nobody approved it. */
  find(provider: OutsideProvider, sub: string): Promise<AccountId | null>;
  /** Puts her among those who wait; her reference, or null when too many wait already. */
  wait(provider: OutsideProvider, person: OutsideSubject): Promise<string | null>;
  /** Those who wait, and the links there are. */
  list(): Promise<{
    readonly waiting: readonly WaitingPerson[];
    readonly linked: readonly LinkedPerson[];
  }>;
  /** Fails as "not-found", or "edit-conflict" when one of the two is linked already. */
  approve(reference: string, account: AccountId): Promise<Result<{ readonly provider: string }>>;
  /** The same for a subject that the operator knows. */
  link(provider: OutsideProvider, sub: string, account: AccountId): Promise<Result<null>>;
  unlink(provider: OutsideProviderId, account: AccountId): Promise<boolean>;
}

export interface LinksDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly blind: Blind;
  readonly clock: Clock;
  readonly random: Random;
  readonly findAccount: FindAccount;
}

/** Crockford's base32: no letter that is read as another. */
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const referenceLetters = 8;

const makeReference = (random: Random): string =>
  Array.from(random.bytes(referenceLetters), (byte) => letters[byte % letters.length]).join("");

/** What was typed, in the form that is stored. */
export const normalReference = (typed: string): string =>
  typed.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll("O", "0").replaceAll(/[IL]/g, "1");

const waitingPurpose = (subject: Buffer): string =>
  `outside-waiting:${subject.toString("base64url")}`;
const subjectPurpose = (provider: string, account: string): string =>
  `outside-subject:${provider}:${account}`;

function readSubject(json: string): OutsideSubject {
  const value: unknown = JSON.parse(json);
  invariant(isRecord(value) && typeof value["sub"] === "string", "a sealed subject has its form");
  const { name, email } = value;
  return {
    sub: value["sub"],
    name: typeof name === "string" ? name : null,
    email: typeof email === "string" ? email : null,
  };
}

export function createLinks(deps: LinksDeps): Links {
  const { db, sealer, clock } = deps;
  const subjectOf = ({ issuer }: OutsideProvider, sub: string): Buffer =>
    deps.blind("outside-subject", JSON.stringify([issuer, sub]));

  // Staff alone: a patient's account is opened by the patient's own passkey.
  const isFit = async (account: AccountId): Promise<boolean> => {
    const found = await deps.findAccount(account);
    return found !== null && isWorkforce(found.roles);
  };
  const store = async (
    subject: Buffer,
    provider: string,
    sub: string,
    account: AccountId,
  ): Promise<boolean> =>
    insertLink(db, {
      subject,
      provider,
      subjectSealed: sealText(sealer, subjectPurpose(provider, account), sub),
      account,
      approvedAt: clock.now(),
    });

  return {
    find: async (provider, sub) => {
      const account = await findLinked(db, subjectOf(provider, sub));
      return account === null ? null : parseAccountId(account);
    },
    wait: (provider, person) => {
      const subject = subjectOf(provider, person.sub);
      return putWaiting(
        db,
        {
          reference: makeReference(deps.random),
          subject,
          provider: provider.id,
          sealed: sealText(sealer, waitingPurpose(subject), JSON.stringify(person)),
          expiresAt: laterBy(clock.now(), outsideLimits.waitingMs),
        },
        outsideLimits.waiting,
      );
    },
    list: async () => {
      const waiting = await listWaiting(db, clock.now(), outsideLimits.waiting);
      const linked = await listLinks(db, outsideLimits.listed);
      return {
        waiting: waiting.map(({ reference, provider, subject, sealed, expiresAt }) => ({
          reference,
          provider,
          ...readSubject(openText(sealer, waitingPurpose(subject), sealed)),
          expiresAt: toIso(expiresAt),
        })),
        linked: linked.map(({ provider, account, subjectSealed, approvedAt }) => ({
          provider,
          account,
          sub: openText(sealer, subjectPurpose(provider, account), subjectSealed),
          approvedAt: toIso(approvedAt),
        })),
      };
    },
    approve: async (reference, account) => {
      if (!(await isFit(account))) return refuse("not-found", { at: "account" });
      const taken = await takeWaiting(db, normalReference(reference), clock.now());
      if (taken === null) return refuse("not-found", { at: "reference" });
      const { provider, subject, sealed } = taken;
      const { sub } = readSubject(openText(sealer, waitingPurpose(subject), sealed));
      return (await store(subject, provider, sub, account))
        ? ok({ provider })
        : refuse("edit-conflict", { detail: "This account or this person is linked already." });
    },
    link: async (provider, sub, account) => {
      if (!(await isFit(account))) return refuse("not-found", { at: "account" });
      return (await store(subjectOf(provider, sub), provider.id, sub, account))
        ? ok(null)
        : refuse("edit-conflict", { detail: "This account or this person is linked already." });
    },
    unlink: (provider, account) => deleteLink(db, provider, account),
  };
}
