import {
  errors,
  type AccessToken,
  type ClientCredentials,
  type KoaContextWithOIDC,
  type UnknownObject,
} from "oidc-provider";
import { parseAccountId } from "#core/ids.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
import { parseClientId } from "#identity/clients/client.ts";
import type { OpenServiceSession } from "#identity/clients/service-session.ts";
import { loginOf } from "#identity/oidc/login-policy.ts";
import { seenOf } from "#identity/sessions/seen.ts";
import type { Sessions, TokenSession } from "#identity/sessions/session.ts";

export interface TokenClaimsDeps {
  readonly sessions: Sessions;
  readonly findAccount: FindAccount;
  readonly openServiceSession: OpenServiceSession;
}

async function sessionOf(
  ctx: KoaContextWithOIDC,
  token: AccessToken,
  { sessions, findAccount }: TokenClaimsDeps,
): Promise<TokenSession | null> {
  const { AuthorizationCode: code, RefreshToken: refresh } = ctx.oidc.entities;
  const login = loginOf(token.sessionUid, (code ?? refresh)?.authTime);
  const id = parseAccountId(token.accountId);
  const account = id === null ? null : await findAccount(id);
  if (login === null || account === null || token.jkt === undefined) return null;
  const seen = seenOf(ctx.req.headers);
  const use = { jkt: token.jkt, client: token.clientId ?? "", grant: token.grantId, seen };
  return code === undefined ? sessions.renew(login, use) : sessions.begin(login, account, use);
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
  if (client === null || token.jkt === undefined) return null;
  return openServiceSession(client, { jkt: token.jkt, seen: seenOf(ctx.req.headers) });
}

/**
 * The claims `sid` and `device` of an access token, which begin or renew our own session. Throws
 * InvalidGrant when the session is over, so that no token comes of it.
 */
export async function tokenClaims(
  ctx: KoaContextWithOIDC,
  token: AccessToken | ClientCredentials,
  deps: TokenClaimsDeps,
): Promise<UnknownObject> {
  const session =
    token.kind === "AccessToken"
      ? await sessionOf(ctx, token, deps)
      : await serviceSessionOf(ctx, token, deps);
  if (session === null) throw new errors.InvalidGrant("the session is over");
  return { sid: session.session, device: session.device };
}
