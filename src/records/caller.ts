import type { IncomingMessage } from "node:http";
import {
  accessTokenLimits,
  verifyAccessToken,
  type AccessClaims,
  type KeyOf,
  type TokenBinding,
} from "#core/access-token.ts";
import type { PurposeOfUse } from "#core/audit-entry.ts";
import { createBoundedCache } from "#core/bounded-cache.ts";
import { parseClientCertificate } from "#core/client-facts.ts";
import type { Clock } from "#core/clock.ts";
import {
  createKnownSigners,
  verifyDpopProof,
  type DpopProof,
  type DpopProofCheck,
} from "#core/dpop.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import type { LiveSession, LiveSessions } from "#records/live-sessions.ts";
import { scopeSet, type ScopeSet } from "#records/scopes.ts";

/** Someone whose token, proof and session have all been checked, in that order. */
export interface Caller {
  readonly claims: AccessClaims;
  /** Null for a token that is bound to no key. */
  readonly proof: DpopProof | null;
  readonly live: LiveSession;
  readonly scopes: ScopeSet;
  /** What for, where the request states it; else it follows from the role. */
  readonly purpose: PurposeOfUse | null;
}

/** What a request may state: an emergency is opened, not stated, and SYSADMIN is for operators. */
const statedPurposes = [
  "TREAT",
  "HPAYMT",
  "HOPERAT",
  "PATRQT",
  "PUBHLTH",
  "HRESCH",
] as const satisfies readonly PurposeOfUse[];

/** `Purpose-Of-Use: HPAYMT`, a code of HL7 v3 PurposeOfUse; whether it is the role's, policy decides. */
function purposeOf({ headers }: IncomingMessage): Result<PurposeOfUse | null> {
  const stated = headers["purpose-of-use"];
  if (stated === undefined) return ok(null);
  const known = statedPurposes.find((purpose) => purpose === stated);
  return known === undefined
    ? refuse("parameter-invalid", { at: "Purpose-Of-Use", detail: statedPurposes.join(", ") })
    : ok(known);
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

interface ShownToken {
  readonly scheme: TokenBinding["kind"];
  readonly token: string;
}

/** RFC 9449 §7.1 and RFC 6750 §2.1: by its scheme, the caller says how the token is bound. */
function tokenOf({ headers }: IncomingMessage): Result<ShownToken> {
  const [scheme = "", token = "", ...rest] = (headers.authorization ?? "").split(" ");
  if (scheme === "") return refuse("token-missing");
  const known = (["dpop", "bearer"] as const).find((kind) => kind === scheme.toLowerCase());
  if (known === undefined || token === "" || rest.length > 0)
    return refuse("token-invalid", { at: "Authorization" });
  return ok({ scheme: known, token });
}

// Node joins headers of one name by a comma, which no compact JWS holds: two proofs are refused.
const proofOf = ({ headers }: IncomingMessage): string =>
  typeof headers["dpop"] === "string" ? headers["dpop"] : "";

/** The proof of the key that the token is bound to; null when it is bound to none. */
async function proofFor(
  binding: TokenBinding,
  check: DpopProofCheck,
): Promise<Result<DpopProof | null>> {
  switch (binding.kind) {
    case "bearer":
      return ok(null);
    case "dpop": {
      const proof = await verifyDpopProof(check);
      if (!proof.ok) return proof;
      return proof.value.jkt === binding.jkt ? proof : refuse("proof-invalid", { at: "jwk" });
    }
    default:
      return unreachable(binding);
  }
}

/** RFC 8705 §3: a token of a managed device is good only over a connection with its certificate. */
const showsCertificate = ({ headers }: IncomingMessage, { certificate }: AccessClaims): boolean =>
  certificate === null || parseClientCertificate(headers) === certificate;

/** The session of a token's claims as it is now; fails as "session-ended" when it is another's or no more. */
export async function sessionOf(
  claims: AccessClaims,
  deps: Pick<CallerDeps, "live">,
): Promise<Result<LiveSession>> {
  const found = await deps.live.find(claims.session);
  if (!found.ok) return found;
  const { account, device, deviceLevel, clients } = found.value;
  const isSame =
    account === claims.account && device === claims.device && clients.includes(claims.client);
  // Level 0 tells policy that no key stands behind the session; a token must not say otherwise.
  if ((claims.binding.kind === "bearer") !== (deviceLevel === 0)) return refuse("session-ended");
  return isSame ? found : refuse("session-ended");
}

/** Checks who calls: access token, then the proof of its key (RFC 9449 §4.3) if it has one, then that its session lives. */
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
    const { scheme, token: accessToken } = token.value;
    const { keyOf, publicOrigin: issuer } = deps;
    const check = { token: accessToken, issuer, audience, keyOf, now, verified };
    const checked = await verifyAccessToken(check);
    if (!checked.ok) return stranger(checked.problem);
    const claims = checked.value;
    // A token that is bound to a key must not be believed when sent as Bearer (RFC 9449 §7.2).
    if (scheme !== claims.binding.kind) return stranger(problem("token-invalid", { at: "cnf" }));

    const proven = await proofFor(claims.binding, {
      proof: proofOf(request),
      method: request.method ?? "",
      url: deps.publicOrigin + path,
      accessToken,
      now,
      known,
    });
    if (!proven.ok) return { ok: false, problem: proven.problem, claims, proof: null };
    const proof = proven.value;
    if (!showsCertificate(request, claims)) {
      const missing = problem("proof-invalid", { at: "certificate" });
      return { ok: false, problem: missing, claims, proof };
    }
    const live = await sessionOf(claims, deps);
    if (!live.ok) return { ok: false, problem: live.problem, claims, proof };
    const purpose = purposeOf(request);
    if (!purpose.ok) return { ok: false, problem: purpose.problem, claims, proof };
    const caller = { claims, proof, live: live.value, scopes: scopes(claims) };
    return { ok: true, caller: { ...caller, purpose: purpose.value } };
  };
}
