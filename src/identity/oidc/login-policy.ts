import { interactionPolicy, type KoaContextWithOIDC } from "oidc-provider";
import { parseInstant, type Clock } from "#core/clock.ts";
import { parseAccountId } from "#core/ids.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
import { identityLimits } from "#identity/limits.ts";
import { isFirstParty } from "#identity/oidc/clients.ts";
import type { Login, Sessions } from "#identity/sessions/session.ts";

/** The sign-in that a sign-on cookie stands for; null when nobody signed in with it. */
export function loginOf(
  browserUid: string | undefined,
  atSeconds: number | undefined,
): Login | null {
  const at = atSeconds === undefined ? null : parseInstant(atSeconds * 1_000);
  return browserUid === undefined || at === null ? null : { browserUid, at };
}

export interface LoginPolicyDeps {
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly findAccount: FindAccount;
}

/** A person away for longer than her idle limit must prove herself again, whatever her cookie says. */
async function mustSignIn(ctx: KoaContextWithOIDC, deps: LoginPolicyDeps): Promise<boolean> {
  const { session, result } = ctx.oidc;
  if (session?.accountId === undefined) return false;
  const id = parseAccountId(session.accountId);
  const account = id === null ? null : await deps.findAccount(id);
  if (account === null) return true;
  if (result?.login !== undefined) return false;
  const login = loginOf(session.uid, session.loginTs);
  return login === null || !(await deps.sessions.isAlive(login, account));
}

/**
 * What an app may do for months while the person is away is let in only by a person who proved
 * herself lately, as every other lasting change of who may see her record: an open browser is not she.
 */
function mustBeFresh({ oidc }: KoaContextWithOIDC, { clock }: LoginPolicyDeps): boolean {
  const { client, session, result, params } = oidc;
  const scope = params?.["scope"];
  const isLasting = typeof scope === "string" && scope.split(" ").includes("offline_access");
  if (!isLasting || client === undefined || isFirstParty(client.clientId)) return false;
  if (result?.login !== undefined || result?.consent !== undefined) return false;
  const login = loginOf(session?.uid, session?.loginTs);
  return login !== null && clock.now() - login.at > identityLimits.freshSignInMs;
}

export function loginPolicy(deps: LoginPolicyDeps): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const checks = policy.get("login")?.checks;
  checks?.add(
    new interactionPolicy.Check(
      "session_over",
      "the session is over; the End-User must sign in again",
      "login_required",
      (ctx) => mustSignIn(ctx, deps),
    ),
  );
  checks?.add(
    new interactionPolicy.Check(
      "sign_in_old",
      "what is asked for lasts; the End-User must prove herself anew",
      "login_required",
      (ctx) => mustBeFresh(ctx, deps),
    ),
  );
  return policy;
}
