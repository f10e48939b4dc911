import { interactionPolicy, type KoaContextWithOIDC } from "oidc-provider";
import { parseInstant } from "#core/clock.ts";
import { parseAccountId } from "#core/ids.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
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

export function loginPolicy(deps: LoginPolicyDeps): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy
    .get("login")
    ?.checks.add(
      new interactionPolicy.Check(
        "session_over",
        "the session is over; the End-User must sign in again",
        "login_required",
        (ctx) => mustSignIn(ctx, deps),
      ),
    );
  return policy;
}
