import {
  errors,
  type AccessToken,
  type ClientCredentials,
  type KoaContextWithOIDC,
  type UnknownObject,
} from "oidc-provider";
import { parseAccountId } from "#core/ids.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
import { loginOf } from "#identity/oidc/login-policy.ts";
import { seenOf } from "#identity/sessions/seen.ts";
import type { Sessions, TokenSession } from "#identity/sessions/session.ts";

export interface TokenClaimsDeps {
  readonly sessions: Sessions;
  readonly findAccount: FindAccount;
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

/**
 * The claims `sid` and `device` of an access token, which begin or renew our own session. Throws
 * InvalidGrant when the session is over, so that no token comes of it.
 */
export async function tokenClaims(
  ctx: KoaContextWithOIDC,
  token: AccessToken | ClientCredentials,
  deps: TokenClaimsDeps,
): Promise<UnknownObject> {
  if (token.kind !== "AccessToken") throw new errors.InvalidGrant("no session, no token");
  const session = await sessionOf(ctx, token, deps);
  if (session === null) throw new errors.InvalidGrant("the session is over");
  return { sid: session.session, device: session.device };
}
