import { createBoundedCache } from "#core/bounded-cache.ts";
import {
  accessTokenLimits,
  verifyAccessToken,
  type AccessClaims,
  type KeyOf,
} from "#core/access-token.ts";
import type { ClientFacts } from "#core/client-facts.ts";
import { toIso, type Clock } from "#core/clock.ts";
import { createKnownSigners, verifyDpopProof } from "#core/dpop.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Me } from "#core/wire.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { isFirstParty } from "#identity/oidc/clients.ts";
import type { SessionState } from "#identity/sessions/session-store.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Happening, Proof, Trail } from "#identity/trail.ts";

export interface OwnAccountDeps {
  readonly clock: Clock;
  readonly publicOrigin: string;
  readonly keyOf: KeyOf;
  readonly sessions: Sessions;
  readonly findAccount: FindAccount;
  readonly trail: Trail;
}

/** A request with an access token, as the gateway sent it on. */
export interface TokenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  /** The one DPoP header; undefined when there is none or more than one. */
  readonly proof: string | undefined;
  readonly facts: ClientFacts;
}

interface Admitted {
  readonly claims: AccessClaims;
  readonly session: SessionState;
  readonly proof: Proof;
}

export interface OwnAccount {
  /** Me of core/wire.ts. */
  me(request: TokenRequest): Promise<Answer>;
  /** Ends the session everywhere: this browser's sign-on, its tokens, its live sessions. */
  signOut(request: TokenRequest): Promise<Answer>;
}

type Admit = (request: TokenRequest) => Promise<Result<Admitted>>;

function createAdmit(deps: OwnAccountDeps): Admit {
  const { clock, publicOrigin } = deps;
  const known = createKnownSigners();
  const verified = createBoundedCache<string, AccessClaims>(accessTokenLimits.cachedTokens);
  return async ({ method, path, authorization, proof }) => {
    const token = /^DPoP ([^ ]+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return refuse("token-missing");
    if (proof === undefined) return refuse("proof-invalid", { at: "DPoP" });
    const now = clock.now();
    const claims = await verifyAccessToken({
      token,
      issuer: publicOrigin,
      audience: `${publicOrigin}/fhir`,
      keyOf: deps.keyOf,
      now,
      verified,
    });
    if (!claims.ok) return claims;
    const url = `${publicOrigin}${path}`;
    const shown = await verifyDpopProof({ proof, method, url, accessToken: token, now, known });
    if (!shown.ok) return shown;
    const { binding, client } = claims.value;
    if (binding.kind !== "dpop") return refuse("token-invalid", { at: "cnf" });
    if (shown.value.jkt !== binding.jkt) return refuse("proof-invalid", { at: "jwk" });
    // An app that someone let see her record is not let manage her account by it.
    if (!isFirstParty(client)) return refuse("forbidden");
    const session = await deps.sessions.find(claims.value.session);
    if (session === null || !session.alive || session.account !== claims.value.account)
      return refuse("session-ended");
    return ok({ claims: claims.value, session, proof: shown.value });
  };
}

const knownOf = ({ claims }: Admitted): Partial<Happening> => ({
  about: claims.account,
  session: claims.session,
  device: claims.device,
  client: claims.client,
});

export function createOwnAccount(deps: OwnAccountDeps): OwnAccount {
  const { trail } = deps;
  const admit = createAdmit(deps);
  // What is done comes before its entry: a session ends even while the log cannot be written.
  const serve = async (
    action: "read" | "sign-out",
    request: TokenRequest,
    act: (admitted: Admitted) => Promise<Answer>,
  ): Promise<Answer> => {
    const admitted = await admit(request);
    const { facts } = request;
    if (!admitted.ok) {
      const refused = admitted.problem.code;
      const unwritten = await trail.note({ action, facts, refused });
      return problemAnswer(unwritten ?? admitted.problem);
    }
    const done = await act(admitted.value);
    const known = { action, facts, ...knownOf(admitted.value) };
    const unwritten = await trail.note(known, admitted.value.proof);
    return unwritten === null ? done : problemAnswer(unwritten);
  };
  return {
    me: (request) =>
      serve("read", request, async ({ claims, session }) => {
        const account = await deps.findAccount(claims.account);
        if (account === null) return problemAnswer({ code: "session-ended" });
        const me: Me = {
          account: account.id,
          displayName: account.displayName,
          roles: account.roles,
          patients: account.patients,
          practitioner: account.practitioner,
          sessionEndsAt: toIso(session.endsAt),
          idleMs: session.idleMs,
        };
        return answer(me);
      }),
    signOut: (request) =>
      serve("sign-out", request, async ({ session }) => {
        await deps.sessions.endBrowser(session.browser);
        return answer({ signedOut: true });
      }),
  };
}
