import type { IncomingMessage } from "node:http";
import type { Provider } from "oidc-provider";
import type { KeyOf } from "#core/access-token.ts";
import type { ClientFacts } from "#core/client-facts.ts";
import { parseAccountId } from "#core/ids.ts";
import { isSignedBy, parseJws } from "#core/jws.ts";
import type { Problem } from "#core/problem.ts";
import type { Exchange } from "#identity/sign-in/interaction.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Trail } from "#identity/trail.ts";

export interface EndSessionDeps {
  readonly provider: Provider;
  readonly publicOrigin: string;
  readonly keyOf: KeyOf;
  readonly sessions: Sessions;
  readonly trail: Trail;
}

/** Where the browser goes next, or the problem for which nothing may be answered. */
export type EndSession = (
  exchange: Exchange,
  asked: URLSearchParams,
  facts: ClientFacts,
) => Promise<{ readonly redirectTo: string } | { readonly problem: Problem }>;

const hintCharsMax = 8_192;

interface Hint {
  readonly account: string;
  readonly client: string;
}

/** An ID token of ours, expired or not (OpenID Connect RP-Initiated Logout §2); null when it is none. */
async function readHint(text: string | null, deps: EndSessionDeps): Promise<Hint | null> {
  const jws = text === null ? null : parseJws(text, hintCharsMax);
  const kid = jws?.header["kid"];
  const key = typeof kid === "string" ? await deps.keyOf(kid) : null;
  if (jws === null || key === null || !(await isSignedBy(jws, key))) return null;
  const { iss, sub, aud } = jws.claims;
  // An access token has another type and must not serve as a hint.
  if (iss !== deps.publicOrigin || jws.header["typ"] === "at+jwt") return null;
  return typeof sub === "string" && typeof aud === "string" ? { account: sub, client: aud } : null;
}

async function redirectAfter(
  provider: Provider,
  hint: Hint,
  asked: URLSearchParams,
): Promise<string | null> {
  const wished = asked.get("post_logout_redirect_uri");
  const client = await provider.Client.find(hint.client);
  if (wished === null || client?.postLogoutRedirectUriAllowed(wished) !== true) return null;
  const target = new URL(wished);
  const state = asked.get("state");
  if (state !== null) target.searchParams.set("state", state);
  return target.href;
}

async function signedInHere(provider: Provider, { request, response }: Exchange) {
  return provider.Session.get(provider.createContext(request, response));
}

/**
 * OpenID Connect RP-Initiated Logout, without pages: an `id_token_hint` of the person signed in
 * here proves that her own app asks, so she is signed out at once. Any other request ends nothing
 * and leads to the portal, where she may sign out herself.
 */
export function createEndSession(deps: EndSessionDeps): EndSession {
  const { provider, publicOrigin, sessions, trail } = deps;
  const home = `${publicOrigin}/`;
  return async (exchange, asked, facts) => {
    const hint = await readHint(asked.get("id_token_hint"), deps);
    if (hint === null) return { redirectTo: home };
    const session = await signedInHere(provider, exchange);
    if (session.accountId !== undefined && session.accountId !== hint.account)
      return { redirectTo: home };
    if (session.accountId !== undefined) {
      await sessions.endBrowser(sessions.browserOf(session.uid));
      const about = parseAccountId(session.accountId);
      const unwritten = await trail.note({ action: "sign-out", facts, about, client: hint.client });
      if (unwritten !== null) return { problem: unwritten };
    }
    return { redirectTo: (await redirectAfter(provider, hint, asked)) ?? home };
  };
}

/** The parameters of a GET; those of a POST come in the body as a form. */
export function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? "";
  const at = url.indexOf("?");
  return new URLSearchParams(at === -1 ? "" : url.slice(at + 1));
}
