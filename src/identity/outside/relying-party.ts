import * as client from "openid-client";
import { parseInstant, type Clock, type Instant } from "#core/clock.ts";
import { refuse, type ProblemCode } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Event } from "#identity/event.ts";
import { readProvenBy, type ProvenBy } from "#identity/outside/assurance.ts";
import { outsideLimits } from "#identity/outside/limits.ts";
import type { OutsideProvider } from "#identity/outside/provider.ts";
import type { StoredProvider } from "#identity/outside/provider-store.ts";
import { openText } from "#identity/sealed.ts";
import type { Sealer } from "#vault/sealer.ts";

/** Sends one request and gives the whole answer; rejects with a TypeError when none came. */
export type OutsideFetch = client.CustomFetch;

/** The way out to providers whose certificates these authorities (PEM) sign; null for the system's. */
export type OpenOutside = (authority: string | null) => OutsideFetch;

/** What one sign-in over there is bound to, and what its answer is checked by. */
export interface OutsideAsk {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636. */
  readonly verifier: string;
  /** How old, in seconds, her proof over there may be; null when an open sign-in is enough. */
  readonly maxAgeSeconds: number | null;
}

/** Who came back, as the provider's signed ID token says. */
export interface OutsidePerson extends ProvenBy {
  readonly sub: string;
  readonly name: string | null;
  readonly email: string | null;
  /** When she proved herself over there; null when it is not said. */
  readonly provenAt: Instant | null;
}

export interface RelyingParty {
  /** Where the browser goes. Fails as "outside-unavailable" when the provider does not answer. */
  begin(stored: StoredProvider, ask: OutsideAsk): Promise<Result<string>>;
  /**
   * Takes the code of the answer to the provider and checks all of it: state, `iss` (RFC 9207),
   * nonce, PKCE, audience, signature, age. Fails as "outside-refused" or "outside-unavailable".
   */
  complete(stored: StoredProvider, answer: URL, ask: OutsideAsk): Promise<Result<OutsidePerson>>;
}

export interface RelyingPartyDeps {
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly event: Event;
  readonly openOutside: OpenOutside;
}

export const secretPurpose = (provider: OutsideProvider): string => `outside-secret:${provider.id}`;

/** OpenID Connect Core §9: client_secret_basic unless the provider knows only the other. */
function authenticate(secret: string): client.ClientAuth {
  return (server, ...rest) => {
    const known = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    const way = known.includes("client_secret_basic")
      ? client.ClientSecretBasic(secret)
      : client.ClientSecretPost(secret);
    way(server, ...rest);
  };
}

async function discover(
  { sealer, openOutside }: RelyingPartyDeps,
  { provider, secretSealed }: StoredProvider,
): Promise<client.Configuration> {
  const secret = openText(sealer, secretPurpose(provider), secretSealed);
  const own = { id_token_signed_response_alg: provider.signedWith };
  return client.discovery(new URL(provider.issuer), provider.clientId, own, authenticate(secret), {
    [client.customFetch]: openOutside(provider.authority),
    timeout: outsideLimits.requestMs / 1_000,
    // The ID token's signature, beside the TLS connection that it came by.
    execute: [client.enableNonRepudiationChecks],
  });
}

const silence: ReadonlySet<string | undefined> = new Set([
  undefined,
  "OAUTH_TIMEOUT",
  "OAUTH_ABORT",
  "OAUTH_RESPONSE_IS_NOT_CONFORM",
  "OAUTH_RESPONSE_IS_NOT_JSON",
]);

/** Whether the provider failed to answer, or answered what cannot be taken. */
function failureOf(error: unknown): ProblemCode {
  if (error instanceof client.AuthorizationResponseError) return "outside-refused";
  if (error instanceof client.ResponseBodyError)
    return error.status >= 500 ? "outside-unavailable" : "outside-refused";
  if (error instanceof client.ClientError && !silence.has(error.code)) return "outside-refused";
  return "outside-unavailable";
}

/** A code of the library or of OAuth; never the provider's own words. */
function codeOf(error: unknown): string {
  if (
    error instanceof client.AuthorizationResponseError ||
    error instanceof client.ResponseBodyError
  )
    return /^[a-z_]{1,40}$/.test(error.error) ? error.error : "unknown";
  if (error instanceof client.ClientError) return error.code ?? "no-answer";
  return error instanceof Error ? error.name : "unknown";
}

const textOr = (value: unknown): string | null =>
  typeof value === "string" && value !== "" && value.length <= outsideLimits.nameChars
    ? value
    : null;

function readPerson(claims: client.IDToken): OutsidePerson | null {
  if (claims.sub === "" || claims.sub.length > outsideLimits.subjectChars) return null;
  const { auth_time: provenSeconds } = claims;
  return {
    sub: claims.sub,
    name: textOr(claims["name"]),
    email: textOr(claims["email"]),
    provenAt: provenSeconds === undefined ? null : parseInstant(provenSeconds * 1_000),
    ...readProvenBy(claims["acr"], claims["amr"]),
  };
}

/** What was learned of one provider, as long as its settings stay and it is not too old. */
interface Known {
  readonly settings: string;
  readonly until: number;
  readonly configuration: Promise<client.Configuration>;
}

function createDirectory(deps: RelyingPartyDeps) {
  const known = new Map<string, Known>();
  return (stored: StoredProvider): Promise<client.Configuration> => {
    const { provider, secretSealed } = stored;
    const settings = `${JSON.stringify(provider)} ${secretSealed.toString("base64")}`;
    const now = deps.clock.monotonicMs();
    const found = known.get(provider.id);
    if (found?.settings === settings && now < found.until) return found.configuration;
    // Providers come and go by an operator's hand; what is no longer asked for is let go of.
    if (known.size > outsideLimits.providers) known.clear();
    const configuration = discover(deps, stored);
    known.set(provider.id, { settings, until: now + outsideLimits.metadataMs, configuration });
    configuration.catch(() => {
      if (known.get(provider.id)?.configuration !== configuration) return;
      const until = deps.clock.monotonicMs() + outsideLimits.retryMs;
      known.set(provider.id, { settings, until, configuration });
    });
    return configuration;
  };
}

async function addressOf(
  configuration: client.Configuration,
  { assurance }: OutsideProvider,
  ask: OutsideAsk,
): Promise<string> {
  const { maxAgeSeconds } = ask;
  const asked = {
    redirect_uri: ask.redirectUri,
    // The name and the address are for the administrator who approves her; nothing else uses them.
    scope: "openid profile email",
    state: ask.state,
    nonce: ask.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(ask.verifier),
    code_challenge_method: "S256",
    ...(assurance.kind === "acr" ? { acr_values: assurance.values.join(" ") } : {}),
    ...(maxAgeSeconds === null ? {} : { prompt: "login", max_age: String(maxAgeSeconds) }),
  };
  return client.buildAuthorizationUrl(configuration, asked).href;
}

export function createRelyingParty(deps: RelyingPartyDeps): RelyingParty {
  const configurationOf = createDirectory(deps);
  const guarded = async <T>(
    { provider }: StoredProvider,
    work: () => Promise<T>,
  ): Promise<Result<T>> => {
    try {
      return ok(await work());
    } catch (error) {
      const problem = failureOf(error);
      deps.event("outside-sign-in-failed", { provider: provider.id, problem, why: codeOf(error) });
      return refuse(problem);
    }
  };
  return {
    begin: (stored, ask) =>
      guarded(stored, async () => addressOf(await configurationOf(stored), stored.provider, ask)),
    complete: async (stored, answer, ask) => {
      const claims = await guarded(stored, async () => {
        const tokens = await client.authorizationCodeGrant(await configurationOf(stored), answer, {
          expectedState: ask.state,
          expectedNonce: ask.nonce,
          pkceCodeVerifier: ask.verifier,
          idTokenExpected: true,
          ...(ask.maxAgeSeconds === null ? {} : { maxAge: ask.maxAgeSeconds }),
        });
        return tokens.claims();
      });
      if (!claims.ok) return claims;
      const person = claims.value === undefined ? null : readPerson(claims.value);
      return person === null ? refuse("outside-refused") : ok(person);
    },
  };
}
