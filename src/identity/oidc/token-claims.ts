import {
  errors,
  type AccessToken,
  type ClientCredentials,
  type KoaContextWithOIDC,
  type UnknownObject,
} from "oidc-provider";
import { bearerClaim, certificateClaim } from "#core/access-token.ts";
import { parseClientCertificate } from "#core/client-facts.ts";
import type { Clock } from "#core/clock.ts";
import { parseAccountId } from "#core/ids.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
import type { AppGrants, Granted } from "#identity/apps/grants.ts";
import { parseClientId } from "#identity/clients/client.ts";
import type { OpenServiceSession } from "#identity/clients/service-session.ts";
import { keyBinding } from "#identity/devices/certificate-store.ts";
import { isFirstParty } from "#identity/oidc/clients.ts";
import { loginOf } from "#identity/oidc/login-policy.ts";
import { seenOf } from "#identity/sessions/seen.ts";
import type { Login, Sessions, TokenSession, TokenUse } from "#identity/sessions/session.ts";
import type { Queryable } from "#storage/database.ts";

export interface TokenClaimsDeps {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly findAccount: FindAccount;
  readonly openServiceSession: OpenServiceSession;
  readonly grants: Pick<AppGrants, "use">;
}

/** Our own clients are launched for nobody. */
const wholeGrant: Granted = { scopes: [], patient: null };

/** Whether what was granted holds while the person is away; never for our own clients. */
export function isOffline(
  source:
    | { readonly clientId?: string | undefined; readonly scopes: ReadonlySet<string> }
    | undefined,
): boolean {
  return source?.scopes.has("offline_access") === true && !isFirstParty(source.clientId ?? "");
}

/** By what the device is known: its DPoP key; without one, where the operator allows that, `otherwise`. */
function keyOf(
  { oidc }: KoaContextWithOIDC,
  jkt: string | undefined,
  otherwise: string,
): Pick<TokenUse, "jkt" | "level"> | null {
  if (jkt !== undefined) return { jkt, level: 1 };
  return oidc.client?.["phylax_binding"] === "bearer" ? { jkt: otherwise, level: 0 } : null;
}

const claimsOf = ({ session, device }: TokenSession): UnknownObject => ({ sid: session, device });

const unboundClaim = ({ jkt }: AccessToken | ClientCredentials): UnknownObject =>
  jkt === undefined ? { [bearerClaim]: true } : {};

/** What the token says of the session that it stands on, and of the certificate that it is bound to. */
async function sessionClaims(
  ctx: KoaContextWithOIDC,
  token: AccessToken,
  deps: TokenClaimsDeps,
): Promise<UnknownObject | null> {
  const { AuthorizationCode: code, RefreshToken: refresh } = ctx.oidc.entities;
  const source = code ?? refresh;
  const login = loginOf(token.sessionUid, source?.authTime);
  const key = keyOf(ctx, token.jkt, `grant:${token.grantId}`);
  if (login === null || key === null) return null;
  const client = token.clientId ?? "";
  const span = isFirstParty(client) ? "sign-in" : isOffline(source) ? "offline-app" : "online-app";
  const seen = seenOf(ctx.req.headers);
  const use = { ...key, client, grant: token.grantId, span, seen } as const;
  const claims =
    code === undefined
      ? await renewedClaims(ctx, login, use, deps)
      : await begunClaims(ctx, token, login, use, deps);
  // RFC 9068 §2.2.1: when she proved herself, whatever was renewed since.
  return claims === null ? null : { ...claims, auth_time: Math.floor(login.at / 1_000) };
}

async function begunClaims(
  ctx: KoaContextWithOIDC,
  token: AccessToken,
  login: Login,
  use: TokenUse,
  deps: TokenClaimsDeps,
): Promise<UnknownObject | null> {
  const bound = await certificateClaims(ctx, token.jkt, deps);
  const id = parseAccountId(token.accountId);
  const account = id === null ? null : await deps.findAccount(id);
  const session = account === null ? null : await deps.sessions.begin(login, account, use);
  return session === null ? null : { ...claimsOf(session), ...bound };
}

/** The account was looked up by the provider; all else is one statement, as apps refresh all day. */
async function renewedClaims(
  ctx: KoaContextWithOIDC,
  login: Login,
  use: TokenUse,
  deps: TokenClaimsDeps,
): Promise<UnknownObject | null> {
  const certificate = parseClientCertificate(ctx.req.headers);
  const session = await deps.sessions.renew(login, { ...use, certificate });
  if (session !== null)
    return {
      ...claimsOf(session),
      ...(session.isBound ? { [certificateClaim]: certificate } : {}),
    };
  // Tells a missing certificate from a session that is over.
  await certificateClaims(ctx, use.jkt, deps);
  return null;
}

/** A service acts as itself. Throws InvalidScope when nothing is left of what it asked for. */
async function serviceSessionOf(
  ctx: KoaContextWithOIDC,
  token: ClientCredentials,
  { openServiceSession }: TokenClaimsDeps,
): Promise<TokenSession | null> {
  if (token.scope === undefined || token.scope === "")
    throw new errors.InvalidScope("none of these scopes is open to this client", "");
  const client = parseClientId(token.clientId ?? "");
  const key = keyOf(ctx, token.jkt, `client:${client}`);
  if (client === null || key === null) return null;
  return openServiceSession(client, { ...key, seen: seenOf(ctx.req.headers) });
}

/**
 * The certificate to which the token is bound, beside its key. Throws InvalidGrant when the key has
 * one and it was not shown: whoever copied the key from a managed device got nothing with it.
 */
async function certificateClaims(
  ctx: KoaContextWithOIDC,
  jkt: string | undefined,
  { db, clock }: TokenClaimsDeps,
): Promise<UnknownObject> {
  if (jkt === undefined) return {};
  const thumbprint = parseClientCertificate(ctx.req.headers);
  const binding = await keyBinding(db, { jkt, thumbprint, now: clock.now() });
  if (binding === "missing") throw new errors.InvalidGrant("the device's certificate is missing");
  return binding === "shown" ? { [certificateClaim]: thumbprint } : {};
}

/** What a person's token says: for an app, also the patient in context. */
async function personsClaims(
  ctx: KoaContextWithOIDC,
  token: AccessToken,
  deps: TokenClaimsDeps,
): Promise<UnknownObject | null> {
  const granted = isFirstParty(token.clientId ?? "")
    ? wholeGrant
    : await deps.grants.use(token.grantId);
  if (granted === null) throw new errors.InvalidGrant("the app was cut off");
  const claims = await sessionClaims(ctx, token, deps);
  if (claims === null) return null;
  return {
    ...claims,
    ...(granted.patient === null ? {} : { patient: granted.patient }),
    ...unboundClaim(token),
  };
}

/** What a service's token says. */
async function servicesClaims(
  ctx: KoaContextWithOIDC,
  token: ClientCredentials,
  deps: TokenClaimsDeps,
): Promise<UnknownObject | null> {
  const bound = await certificateClaims(ctx, token.jkt, deps);
  const session = await serviceSessionOf(ctx, token, deps);
  return session === null ? null : { ...claimsOf(session), ...unboundClaim(token), ...bound };
}

/**
 * The claims of an access token that are ours: `sid` and `device`, which begin or renew our own
 * session; for an app, the patient in context; and that it is unbound, if it is. Throws
 * InvalidGrant when the session is over or the app was cut off, so that no token comes of it.
 */
export async function tokenClaims(
  ctx: KoaContextWithOIDC,
  token: AccessToken | ClientCredentials,
  deps: TokenClaimsDeps,
): Promise<UnknownObject> {
  const claims =
    token.kind === "AccessToken"
      ? await personsClaims(ctx, token, deps)
      : await servicesClaims(ctx, token, deps);
  if (claims === null) throw new errors.InvalidGrant("the session is over");
  return claims;
}
