import { laterBy, parseInstant, type Clock, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { parseProblemCode, problem, type ProblemCode } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import type { OutsideOffer, SignInStep } from "#core/wire.ts";
import { isWorkforce, type FindAccount } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { isAssured } from "#identity/outside/assurance.ts";
import {
  hasResult,
  putAttempt,
  putResult,
  takeAttempt,
  takeResult,
} from "#identity/outside/attempt-store.ts";
import { bindBrowser, boundBrowser } from "#identity/sign-in/browser-cookie.ts";
import { outsideLimits } from "#identity/outside/limits.ts";
import type { Links, OutsideSubject } from "#identity/outside/links.ts";
import { parseOutsideProviderId, type OutsideProviderId } from "#identity/outside/provider.ts";
import { findProvider, listProviders } from "#identity/outside/provider-store.ts";
import type { OutsideAsk, OutsidePerson, RelyingParty } from "#identity/outside/relying-party.ts";
import { openText, sealText } from "#identity/sealed.ts";
import type { Exchange } from "#identity/sign-in/interaction.ts";
import type { Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface OutsideSignInDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly publicOrigin: string;
  readonly links: Links;
  readonly relyingParty: RelyingParty;
  readonly findAccount: FindAccount;
}

/** One request of the sign-in page, as this way of signing in needs it. */
export interface OutsideStep {
  readonly exchange: Exchange;
  readonly uid: string;
  /** Names the sign-in in the database. */
  readonly key: Buffer;
  readonly expiresAt: Instant;
  readonly body: JsonObject;
  /** Whether the application asks that the person prove herself now. */
  readonly isFreshAsked: boolean;
}

/** What came of the way to the provider and back. */
export type OutsideEnd =
  | {
      readonly kind: "proven";
      readonly account: AccountId;
      readonly amr: readonly string[];
      readonly provider: OutsideProviderId;
      /** From when on her sign-in counts: in the past when she proved herself there long ago. */
      readonly at: Instant;
    }
  /** She is who she says, and nobody has said which account she is. */
  | { readonly kind: "unlinked"; readonly reference: string }
  | { readonly kind: "refused"; readonly code: ProblemCode; readonly about: AccountId | null };

/** Staff sign in at the OpenID Provider of their own house. */
export interface OutsideSignIn {
  /** The buttons of the sign-in page, and whether she has come back from one just now. */
  offers(step: Pick<OutsideStep, "key">): Promise<{
    readonly offers: readonly OutsideOffer[];
    readonly isBack: boolean;
  }>;
  /** Sends the browser to the provider named in the body. */
  begin(step: OutsideStep): Promise<Answer>;
  /** Takes the provider's answer; the address that the browser goes on to. */
  take(exchange: Exchange, provider: string, query: URLSearchParams): Promise<string>;
  finish(step: OutsideStep): Promise<OutsideEnd>;
}

/** What lies sealed while she is away. */
interface Away extends Omit<OutsideAsk, "redirectUri"> {
  readonly uid: string;
  readonly provider: OutsideProviderId;
}

type Outcome =
  | {
      readonly kind: "person";
      readonly provider: OutsideProviderId;
      readonly subject: OutsideSubject;
      readonly amr: readonly string[];
      readonly at: number;
    }
  | { readonly kind: "failed"; readonly code: ProblemCode };

/**
 * Binds the way to a provider and back to the browser that began it (RFC 6749 §10.12): else somebody
 * could begin one, have another person end it, and find herself signed in as that person.
 */
const cookie = "__Host-phylax-outside";

const attemptPurpose = (key: Buffer): string => `outside-attempt:${key.toString("base64url")}`;
const resultPurpose = (key: Buffer): string => `outside-result:${key.toString("base64url")}`;

// Sealed by this process alone, so its form is known once it opens.
const readAway = (json: string): Away => JSON.parse(json) as Away;
const readOutcome = (json: string): Outcome => JSON.parse(json) as Outcome;

/**
 * An open sign-in over there is as old as it is: it must not pass for a fresh one here, which
 * sensitive changes ask for.
 */
function countsFrom(person: OutsidePerson, ask: Away, now: Instant): Instant {
  const fresh = laterBy(now, -outsideLimits.freshSeconds * 1_000);
  const isFresh =
    ask.maxAgeSeconds !== null || (person.provenAt !== null && person.provenAt > fresh);
  return isFresh ? now : laterBy(fresh, -1_000);
}

export function createOutsideSignIn(deps: OutsideSignInDeps): OutsideSignIn {
  const { db, sealer, clock, random, blind, links } = deps;
  const secret = (): string => random.bytes(32).toString("base64url");
  const redirectUri = (provider: OutsideProviderId): string =>
    outsideCallback(deps.publicOrigin, provider);

  const outcomeOf = async (
    away: Away,
    provider: string,
    query: URLSearchParams,
  ): Promise<Outcome> => {
    const failedAs = (code: ProblemCode): Outcome => ({ kind: "failed", code });
    // Each provider has its own address to come back to, so that none can answer for another
    // (RFC 9700 §4.4.2.2), also where one does not give `iss` (RFC 9207).
    if (away.provider !== provider) return failedAs("outside-refused");
    const stored = await findProvider(db, away.provider);
    if (stored === null) return failedAs("outside-refused");
    const answered = new URL(redirectUri(away.provider));
    answered.search = query.toString();
    const ask = { ...away, redirectUri: redirectUri(away.provider) };
    const person = await deps.relyingParty.complete(stored, answered, ask);
    if (!person.ok) return failedAs(person.problem.code);
    if (!isAssured(stored.provider.assurance, person.value)) return failedAs("outside-not-assured");
    const { sub, name, email, amr } = person.value;
    const at = countsFrom(person.value, away, clock.now());
    return { kind: "person", provider: away.provider, subject: { sub, name, email }, amr, at };
  };

  const endOf = async (outcome: Outcome): Promise<OutsideEnd> => {
    const refused = (code: ProblemCode, about: AccountId | null = null): OutsideEnd => ({
      kind: "refused",
      code,
      about,
    });
    if (outcome.kind === "failed")
      return refused(parseProblemCode(outcome.code) ?? "outside-refused");
    const stored = await findProvider(db, outcome.provider);
    const at = parseInstant(outcome.at);
    if (stored === null || at === null) return refused("outside-refused");
    const account = await links.find(stored.provider, outcome.subject.sub);
    if (account === null) {
      const reference = await links.wait(stored.provider, outcome.subject);
      return reference === null ? refused("overloaded") : { kind: "unlinked", reference };
    }
    const person = await deps.findAccount(account);
    if (person === null || !isWorkforce(person.roles)) return refused("sign-in-failed", account);
    return { kind: "proven", account, amr: outcome.amr, provider: outcome.provider, at };
  };

  return {
    offers: async ({ key }) => ({
      offers: (await listProviders(db)).map(({ id, label }) => ({ id, label })),
      isBack: await hasResult(db, key, clock.now()),
    }),
    begin: async ({ exchange, uid, key, expiresAt, body, isFreshAsked }) => {
      const id = parseOutsideProviderId(textOf(body, "provider", 32) ?? "");
      const stored = id === null ? null : await findProvider(db, id);
      if (stored === null) return problemAnswer(problem("not-found", { at: "provider" }));
      const { provider } = stored;
      const isOpenEnough = provider.sso && !isFreshAsked;
      const away: Away = {
        uid,
        provider: provider.id,
        state: secret(),
        nonce: secret(),
        verifier: secret(),
        maxAgeSeconds: isOpenEnough ? null : outsideLimits.freshSeconds,
      };
      const ask = { ...away, redirectUri: redirectUri(provider.id) };
      const address = await deps.relyingParty.begin(stored, ask);
      if (!address.ok) return problemAnswer(address.problem);
      const browser = secret();
      await putAttempt(db, {
        interaction: key,
        state: blind("outside-state", away.state),
        browser: blind("outside-browser", browser),
        sealed: sealText(sealer, attemptPurpose(key), JSON.stringify(away)),
        expiresAt,
      });
      bindBrowser(exchange.response, cookie, browser);
      return answer({ next: "outside", redirectTo: address.value } satisfies SignInStep);
    },
    take: async ({ request, response }, provider, query) => {
      const browser = boundBrowser(request, cookie);
      const state = query.get("state");
      const isWhole = browser !== null && state !== null && query.size <= 20;
      const taken = isWhole
        ? await takeAttempt(
            db,
            { state: blind("outside-state", state), browser: blind("outside-browser", browser) },
            clock.now(),
          )
        : null;
      if (taken === null) return `${deps.publicOrigin}/callback?error=outside_sign_in_lost`;
      const away = readAway(openText(sealer, attemptPurpose(taken.interaction), taken.sealed));
      const outcome = await outcomeOf(away, provider, query);
      const sealed = sealText(sealer, resultPurpose(taken.interaction), JSON.stringify(outcome));
      await putResult(db, taken.interaction, sealed);
      bindBrowser(response, cookie, null);
      return `${deps.publicOrigin}/sign-in/${away.uid}`;
    },
    finish: async ({ key }) => {
      const sealed = await takeResult(db, key, clock.now());
      return sealed === null
        ? { kind: "refused", code: "outside-refused", about: null }
        : endOf(readOutcome(openText(sealer, resultPurpose(key), sealed)));
    },
  };
}

/** The redirect URI to register at the provider. */
export const outsideCallback = (publicOrigin: string, provider: OutsideProviderId): string =>
  `${publicOrigin}/sign-in-with/${provider}/callback`;
