import {
  Provider,
  errors,
  type AdapterFactory,
  type Client,
  type Configuration,
  type KoaContextWithOIDC,
} from "oidc-provider";
import { parseAccountId } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { fhirUserOf, type FindAccount } from "#identity/accounts/account.ts";
import { grantMs, type AppGrants } from "#identity/apps/grants.ts";
import { appLimits } from "#identity/apps/limits.ts";
import { identityLimits } from "#identity/limits.ts";
import {
  createClientAdapter,
  ownClientMetadata,
  scopesOfClient,
} from "#identity/clients/provider-clients.ts";
import { createAssertionCheck } from "#identity/clients/client-assertion.ts";
import { clientSigningAlgs } from "#identity/clients/client-keys.ts";
import type { Fetch } from "#identity/clients/fetch-keys.ts";
import { clientLimits } from "#identity/clients/limits.ts";
import { mayIntrospect } from "#identity/clients/introspection.ts";
import type { OpenServiceSession } from "#identity/clients/service-session.ts";
import type { ClientRegistry } from "#identity/clients/registry.ts";
import { coveredScopes, isServiceScope } from "#identity/clients/scope-cover.ts";
import { createAdapter, type AdapterDeps } from "#identity/oidc/adapter.ts";
import { isFirstParty, portalClient } from "#identity/oidc/clients.ts";
import { loadGrant } from "#identity/oidc/grants.ts";
import { loginPolicy } from "#identity/oidc/login-policy.ts";
import { fhirScopes, ownScopes } from "#identity/oidc/scopes.ts";
import { isOffline, tokenClaims } from "#identity/oidc/token-claims.ts";
import type { Secrets } from "#identity/secrets.ts";
import type { Sessions } from "#identity/sessions/session.ts";

export interface ProviderDeps extends AdapterDeps {
  readonly publicOrigin: string;
  readonly secrets: Secrets;
  readonly sessions: Sessions;
  readonly findAccount: FindAccount;
  readonly clients: Pick<ClientRegistry, "findApproved">;
  readonly fetchKeys: Fetch;
  readonly openServiceSession: OpenServiceSession;
  readonly grants: Pick<AppGrants, "use">;
}

const seconds = (ms: number): number => Math.floor(ms / 1_000);

/** An access token's scopes are those granted at sign-in, which no later request can widen. */
function grantedScope({ oidc }: KoaContextWithOIDC): string {
  const { AuthorizationCode: code, RefreshToken: refresh } = oidc.entities;
  const asked = oidc.params?.["scope"];
  return (code ?? refresh)?.scope ?? (typeof asked === "string" ? asked : "");
}

/** RFC 8707: the FHIR server is the one resource there is; a request that names none means it. */
function resourceIndicators(
  fhirBase: string,
): Pick<NonNullable<Configuration["features"]>, "resourceIndicators"> {
  return {
    resourceIndicators: {
      enabled: true,
      defaultResource: () => fhirBase,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource, client) => {
        if (resource !== fhirBase) throw new errors.InvalidTarget();
        const asked = grantedScope(ctx);
        const isService = client.grantTypeAllowed("client_credentials");
        const known = isService ? asked.split(" ").filter(isServiceScope) : fhirScopes(asked);
        return {
          scope: coveredScopes(known, scopesOfClient(client) ?? known).join(" "),
          audience: fhirBase,
          accessTokenFormat: "jwt",
          accessTokenTTL: limits.accessTokenSeconds,
          jwt: { sign: { alg: "ES256" } },
        };
      },
    },
  };
}

function features(fhirBase: string): NonNullable<Configuration["features"]> {
  return {
    ...resourceIndicators(fhirBase),
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    // For the clients' metadata; the library's pages are not routed: end-session.ts answers.
    rpInitiatedLogout: { enabled: true },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => mayIntrospect(client, token.clientId),
    },
    pushedAuthorizationRequests: { enabled: true },
    revocation: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
    },
  };
}

function lifetimes(): NonNullable<Configuration["ttl"]> {
  const sessionSeconds = seconds(limits.sessionMaxMs);
  return {
    AccessToken: limits.accessTokenSeconds,
    ClientCredentials: limits.accessTokenSeconds,
    AuthorizationCode: identityLimits.authorizationCodeSeconds,
    Grant: (_ctx, grant) => seconds(grantMs({ scopes: grant.getOIDCScope().split(" ") })),
    IdToken: identityLimits.idTokenSeconds,
    Interaction: seconds(identityLimits.interactionMs),
    PushedAuthorizationRequest: identityLimits.pushedRequestSeconds,
    RefreshToken: (_ctx, token) =>
      isOffline(token) ? seconds(appLimits.offlineIdleMs) : identityLimits.refreshTokenSeconds,
    Session: sessionSeconds,
  };
}

function cookies(secrets: Secrets): NonNullable<Configuration["cookies"]> {
  const own = { signed: true, httpOnly: true, secure: true, sameSite: "lax" } as const;
  return {
    keys: [...secrets.cookieKeys],
    names: {
      // RFC 6265bis §4.1.3: such names are taken from https alone; __Host- also forbids a Domain.
      session: "__Host-phylax-session",
      interaction: "__Secure-phylax-interaction",
      resume: "__Secure-phylax-resume",
    },
    long: { ...own, path: "/" },
    short: own,
  };
}

function findOidcAccount(deps: ProviderDeps, fhirBase: string): Configuration["findAccount"] {
  return async (_ctx, sub) => {
    const id = parseAccountId(sub);
    const account = id === null ? null : await deps.findAccount(id);
    if (account === null) return undefined;
    const fhirUser = fhirUserOf(account, fhirBase);
    return {
      accountId: account.id,
      claims: () => ({ sub: account.id, ...(fhirUser === null ? {} : { fhirUser }) }),
    };
  };
}

/** RFC 6749 §4.1.2.1: an error that cannot go back to the client is told by our own page, by its code. */
function renderError(publicOrigin: string): Configuration["renderError"] {
  return (ctx, out) => {
    if (ctx.accepts("json", "html") === "html") {
      ctx.status = 303;
      ctx.redirect(`${publicOrigin}/callback?error=${encodeURIComponent(out.error)}`);
    } else {
      ctx.body = out;
    }
  };
}

/**
 * SMART App Launch 2.2 §2.0.9: `aud` names the FHIR server that the token is for. A pushed request
 * comes back as the library's own request object, whose `aud` is ourselves; it was checked before.
 */
function checkAudience(value: unknown, publicOrigin: string): void {
  const known: readonly unknown[] = [undefined, publicOrigin, `${publicOrigin}/fhir`];
  if (!known.includes(value)) throw new errors.InvalidTarget();
}

/** Clients come from the registry, which decides what they may; all else the library keeps itself. */
function adapters(deps: ProviderDeps): AdapterFactory {
  const adapterOf = createAdapter(deps);
  const clients = createClientAdapter(deps.clients);
  return (model) => (model === "Client" ? clients : adapterOf(model));
}

/**
 * Whether a page of this origin is one that the app's person is sent back to. An address with a
 * scheme of the app's own has no origin, which browsers also say of pages that hide theirs.
 */
function isHomeOf({ redirectUris = [] }: Client, origin: string): boolean {
  return origin !== "null" && redirectUris.some((uri) => URL.parse(uri)?.origin === origin);
}

/** SMART App Launch 2.2 §3.0.5: an app that did not ask to stay gets no refresh token. */
function mayRefresh(
  { clientId }: Client,
  { scopes }: { readonly scopes: ReadonlySet<string> },
): boolean {
  return isFirstParty(clientId) || scopes.has("online_access") || scopes.has("offline_access");
}

function configuration(deps: ProviderDeps): Configuration {
  const fhirBase = `${deps.publicOrigin}/fhir`;
  const checkAssertion = createAssertionCheck(deps.clock);
  return {
    adapter: adapters(deps),
    clients: [portalClient(deps.publicOrigin)],
    extraClientMetadata: { properties: [...ownClientMetadata] },
    jwks: { keys: deps.secrets.signingKeys },
    cookies: cookies(deps.secrets),
    features: features(fhirBase),
    ttl: lifetimes(),
    routes: {
      authorization: "/oauth/authorize",
      end_session: "/oauth/end-session",
      introspection: "/oauth/introspect",
      jwks: "/oauth/jwks",
      pushed_authorization_request: "/oauth/par",
      revocation: "/oauth/revoke",
      token: "/oauth/token",
    },
    discovery: { registration_endpoint: `${deps.publicOrigin}/oauth/register` },
    scopes: [...ownScopes],
    claims: { openid: ["sub"], fhirUser: ["fhirUser"] },
    conformIdTokenClaims: false,
    responseTypes: ["code"],
    clientAuthMethods: ["none", "private_key_jwt"],
    assertJwtClientAuthClaimsAndHeader: (_ctx, claims, header) => checkAssertion(claims, header),
    fetch: deps.fetchKeys,
    fetchResponseBodyLimits: { jwks_uri: clientLimits.fetchedKeysBytes },
    pkce: { required: () => true },
    enabledJWA: {
      clientAuthSigningAlgValues: [...clientSigningAlgs],
      idTokenSigningAlgValues: ["ES256"],
      dPoPSigningAlgValues: ["ES256", "Ed25519", "EdDSA"],
    },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    // A browser names its origin when it posts, also to the origin it came from.
    clientBasedCORS: (_ctx, origin, client) =>
      origin === deps.publicOrigin || isHomeOf(client, origin),
    extraParams: { aud: (_ctx, value) => checkAudience(value, deps.publicOrigin), launch: null },
    interactions: {
      policy: loginPolicy(deps),
      url: (_ctx, { uid, prompt }) =>
        prompt.name === "consent" ? `/consent/${uid}` : `/sign-in/${uid}`,
    },
    findAccount: findOidcAccount(deps, fhirBase),
    loadExistingGrant: loadGrant,
    issueRefreshToken: (_ctx, client, source) =>
      client.grantTypeAllowed("refresh_token") && mayRefresh(client, source),
    rotateRefreshToken: true,
    expiresWithSession: (_ctx, source) => !isOffline(source),
    extraTokenClaims: (ctx, token) => tokenClaims(ctx, token, deps),
    renderError: renderError(deps.publicOrigin),
  };
}

/** The OpenID provider, issuer `publicOrigin`, behind a gateway whose forwarded headers were set by us. */
export function createProvider(deps: ProviderDeps): Provider {
  const provider = new Provider(deps.publicOrigin, configuration(deps));
  provider.proxy = true;
  return provider;
}
