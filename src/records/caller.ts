import type { IncomingMessage } from "node:http";
import {
  accessTokenLimits,
  verifyAccessToken,
  type AccessClaims,
  type KeyOf,
} from "#core/access-token.ts";
import { createBoundedCache } from "#core/bounded-cache.ts";
import type { Clock } from "#core/clock.ts";
import { createKnownSigners, verifyDpopProof, type DpopProof } from "#core/dpop.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { LiveSession, LiveSessions } from "#records/live-sessions.ts";
import { scopeSet, type ScopeSet } from "#records/scopes.ts";

/** Someone whose token, proof and session have all been checked, in that order. */
export interface Caller {
  readonly claims: AccessClaims;
  readonly proof: DpopProof;
  readonly live: LiveSession;
  readonly scopes: ScopeSet;
}

/** `claims` and `proof` tell whose token it was, where that much is certain, so that the log can name them. */
export type Arrival =
  | { readonly ok: true; readonly caller: Caller }
  | {
      readonly ok: false;
      readonly problem: Problem;
      readonly claims: AccessClaims | null;
      readonly proof: DpopProof | null;
    };

export interface CallerDeps {
  readonly keyOf: KeyOf;
  readonly live: Pick<LiveSessions, "find">;
  readonly publicOrigin: string;
  readonly clock: Clock;
}

export type Identify = (request: IncomingMessage, path: string) => Promise<Arrival>;

/** RFC 9449 §7.1. A bound token sent as Bearer must not be believed (§7.2). */
function tokenOf({ headers }: IncomingMessage): Result<string> {
  const [scheme = "", token = "", ...rest] = (headers.authorization ?? "").split(" ");
  if (scheme === "") return refuse("token-missing");
  if (scheme.toLowerCase() !== "dpop" || token === "" || rest.length > 0)
    return refuse("token-invalid", { at: "Authorization" });
  return ok(token);
}

// Node joins headers of one name by a comma, which no compact JWS holds: two proofs are refused.
const proofOf = ({ headers }: IncomingMessage): string =>
  typeof headers["dpop"] === "string" ? headers["dpop"] : "";

/** The session of a token's claims as it is now; fails as "session-ended" when it is another's or no more. */
export async function sessionOf(
  claims: AccessClaims,
  deps: Pick<CallerDeps, "live">,
): Promise<Result<LiveSession>> {
  const found = await deps.live.find(claims.session);
  if (!found.ok) return found;
  const { account, device, clients } = found.value;
  const isSame =
    account === claims.account && device === claims.device && clients.includes(claims.client);
  return isSame ? found : refuse("session-ended");
}

/** Checks who calls: access token, then the proof of its key (RFC 9449 §4.3), then that its session lives. */
export function createIdentify(deps: CallerDeps): Identify {
  const verified = createBoundedCache<string, AccessClaims>(accessTokenLimits.cachedTokens);
  const known = createKnownSigners();
  const scopesOf = new WeakMap<AccessClaims, ScopeSet>();
  const audience = `${deps.publicOrigin}/fhir`;

  const scopes = (claims: AccessClaims): ScopeSet => {
    const known = scopesOf.get(claims) ?? scopeSet(claims.scopes);
    scopesOf.set(claims, known);
    return known;
  };

  return async (request, path) => {
    const stranger = (problem: Problem): Arrival => ({
      ok: false,
      problem,
      claims: null,
      proof: null,
    });
    const token = tokenOf(request);
    if (!token.ok) return stranger(token.problem);
    const now = deps.clock.now();
    const { keyOf, publicOrigin: issuer } = deps;
    const check = { token: token.value, issuer, audience, keyOf, now, verified };
    const checked = await verifyAccessToken(check);
    if (!checked.ok) return stranger(checked.problem);
    const claims = checked.value;

    const proof = await verifyDpopProof({
      proof: proofOf(request),
      method: request.method ?? "",
      url: deps.publicOrigin + path,
      accessToken: token.value,
      now,
      known,
    });
    if (!proof.ok) return { ok: false, problem: proof.problem, claims, proof: null };
    if (proof.value.jkt !== claims.jkt)
      return { ok: false, problem: problem("proof-invalid", { at: "jwk" }), claims, proof: null };
    const live = await sessionOf(claims, deps);
    if (!live.ok) return { ok: false, problem: live.problem, claims, proof: proof.value };
    return {
      ok: true,
      caller: { claims, proof: proof.value, live: live.value, scopes: scopes(claims) },
    };
  };
}
