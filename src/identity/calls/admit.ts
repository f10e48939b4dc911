import { createBoundedCache } from "#core/bounded-cache.ts";
import {
  accessTokenLimits,
  verifyAccessToken,
  type AccessClaims,
  type KeyOf,
} from "#core/access-token.ts";
import type { ClientFacts } from "#core/client-facts.ts";
import type { Clock } from "#core/clock.ts";
import { createKnownSigners, verifyDpopProof } from "#core/dpop.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { isFirstParty } from "#identity/oidc/clients.ts";
import type { SessionState } from "#identity/sessions/session-store.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Proof } from "#identity/trail.ts";

export interface AdmitDeps {
  readonly clock: Clock;
  readonly publicOrigin: string;
  readonly keyOf: KeyOf;
  readonly sessions: Pick<Sessions, "find">;
  /** Whose tokens are taken; our own portal's when left out. */
  readonly takes?: (client: string) => boolean;
}

/** A request with an access token, as the gateway sent it on. */
export interface TokenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  /** The one DPoP header; undefined when there is none or more than one. */
  readonly proof: string | undefined;
  readonly facts: ClientFacts;
  /** Thumbprint of the client certificate that the gateway checked; null when none was shown. */
  readonly certificate: string | null;
}

/** Who asks, by a token whose key was proven and whose session lives. */
export interface Admitted {
  readonly claims: AccessClaims;
  readonly session: SessionState;
  readonly proof: Proof;
}

/** Fails with the code of what is wrong with token, proof or session. */
export type Admit = (request: TokenRequest) => Promise<Result<Admitted>>;

export function createAdmit(deps: AdmitDeps): Admit {
  const { clock, publicOrigin, takes = isFirstParty } = deps;
  const known = createKnownSigners();
  const verified = createBoundedCache<string, AccessClaims>(accessTokenLimits.cachedTokens);
  return async ({ method, path, authorization, proof, certificate }) => {
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
    // RFC 8705 §3: a token of a managed device is good only over a connection with its certificate.
    if (claims.value.certificate !== null && claims.value.certificate !== certificate)
      return refuse("proof-invalid", { at: "certificate" });
    // An app that someone let see her record is not let manage her account by it.
    if (!takes(client)) return refuse("forbidden");
    const session = await deps.sessions.find(claims.value.session);
    if (session === null || !session.alive || session.account !== claims.value.account)
      return refuse("session-ended");
    return ok({ claims: claims.value, session, proof: shown.value });
  };
}
