import type { BoundedCache } from "#core/bounded-cache.ts";
import { parseInstant, type Instant } from "#core/clock.ts";
import {
  parseAccountId,
  parseDeviceId,
  parseResourceId,
  parseSessionId,
  type AccountId,
  type DeviceId,
  type ResourceId,
  type SessionId,
} from "#core/ids.ts";
import {
  importVerifyKey,
  isRecord,
  isSignedBy,
  parseJws,
  parsePublicJwk,
  sha256Text,
  type CompactJws,
  type VerifyKey,
} from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

export const accessTokenLimits = {
  tokenChars: 8_192,
  /** Verified tokens kept by hash until they expire. */
  cachedTokens: 10_000,
} as const;

/** What the sender of a token must prove beside it. */
export type TokenBinding =
  /** Holds the DPoP key of this thumbprint (RFC 9449 §6.1). */
  | { readonly kind: "dpop"; readonly jkt: string }
  /** Nothing (RFC 6750): for apps that can do no better, where the operator allows it. */
  | { readonly kind: "bearer" };

/** The claim of ours by which a token says that it is bound to no key, so that none is so by mistake. */
export const bearerClaim = "unbound";

/** The claim of ours that names the client certificate without which the token is good for nothing. */
export const certificateClaim = "x5t#S256";

/** The `acr` (RFC 9470 §6) of a sign-in on a device of this level. */
export const deviceLevelAcr = (level: number): string => `urn:phylax:device-level:${level}`;

/** What a valid access token says; whether its session still lives is the live view's to say. */
export interface AccessClaims {
  readonly account: AccountId;
  readonly session: SessionId;
  readonly device: DeviceId;
  /** OAuth client_id. */
  readonly client: string;
  readonly scopes: readonly string[];
  readonly binding: TokenBinding;
  /** Thumbprint of the client certificate that must come with it; null when none must. */
  readonly certificate: string | null;
  /** FHIR id of the Patient that the app was launched for (SMART App Launch 2.2 §2.0.10); null when none. */
  readonly patient: ResourceId | null;
  /** When the person last proved herself (RFC 9068 §2.2.1, `auth_time`); null when nobody did. */
  readonly signedInAt: Instant | null;
  readonly expiresAt: Instant;
}

/** The key of this id, or null when the issuer publishes none of that name. */
export type KeyOf = (kid: string) => Promise<VerifyKey | null>;

export interface AccessTokenCheck {
  readonly token: string;
  readonly issuer: string;
  /** The resource that must be among the token's `aud`. */
  readonly audience: string;
  readonly keyOf: KeyOf;
  readonly now: Instant;
  /** Kept by the caller over many checks of one issuer and one audience, by the token's hash. */
  readonly verified?: BoundedCache<string, AccessClaims>;
}

/** Public keys by kid, out of a JWK set (RFC 7517 §5); keys of other kinds than ES256 are left out. */
export async function parseJwks(value: unknown): Promise<ReadonlyMap<string, VerifyKey>> {
  const listed = isRecord(value) && Array.isArray(value["keys"]) ? value["keys"] : [];
  const keys = new Map<string, VerifyKey>();
  for (const one of listed as readonly unknown[]) {
    const kid = isRecord(one) ? one["kid"] : undefined;
    const jwk = parsePublicJwk(one);
    const key = jwk === null ? null : await importVerifyKey(jwk, "ES256");
    if (typeof kid === "string" && key !== null) keys.set(kid, key);
  }
  return keys;
}

function bindingOf({ cnf, [bearerClaim]: unbound }: CompactJws["claims"]): TokenBinding | null {
  if (cnf === undefined) return unbound === true ? { kind: "bearer" } : null;
  const jkt = isRecord(cnf) ? cnf["jkt"] : undefined;
  return typeof jkt === "string" && jkt !== "" ? { kind: "dpop", jkt } : null;
}

function claimsOf({ claims }: CompactJws): AccessClaims | null {
  const text = (name: string): string => {
    const value = claims[name];
    return typeof value === "string" ? value : "";
  };
  const { exp } = claims;
  const account = parseAccountId(text("sub"));
  const session = parseSessionId(text("sid"));
  const device = parseDeviceId(text("device"));
  const binding = bindingOf(claims);
  const launched = claims["patient"] === undefined ? null : parseResourceId(text("patient"));
  const certificate = claims[certificateClaim] === undefined ? null : text(certificateClaim);
  if (certificate === "") return null;
  const expiresAt = typeof exp === "number" ? parseInstant(exp * 1_000) : null;
  const { auth_time: authTime } = claims;
  const signedInAt = typeof authTime === "number" ? parseInstant(authTime * 1_000) : null;
  const client = text("client_id");
  if (account === null || session === null || device === null || expiresAt === null) return null;
  if (client === "" || binding === null) return null;
  if (launched === null && claims["patient"] !== undefined) return null;
  const scopes = text("scope")
    .split(" ")
    .filter((scope) => scope !== "");
  return {
    account,
    session,
    device,
    client,
    scopes,
    binding,
    certificate,
    patient: launched,
    signedInAt,
    expiresAt,
  };
}

const isFor = (aud: unknown, audience: string): boolean =>
  aud === audience || (Array.isArray(aud) && aud.includes(audience));

async function verifyAfresh(check: AccessTokenCheck): Promise<Result<AccessClaims>> {
  const jws = parseJws(check.token, accessTokenLimits.tokenChars);
  if (jws === null) return refuse("token-invalid");
  const { typ, alg, kid } = jws.header;
  // RFC 9068 §4: the type keeps an ID token from posing as an access token.
  if (typ !== "at+jwt" && typ !== "application/at+jwt")
    return refuse("token-invalid", { at: "typ" });
  if (alg !== "ES256") return refuse("token-invalid", { at: "alg" });
  const key = typeof kid === "string" ? await check.keyOf(kid) : null;
  if (key === null) return refuse("token-invalid", { at: "kid" });
  if (!(await isSignedBy(jws, key))) return refuse("token-invalid", { at: "signature" });
  if (jws.claims["iss"] !== check.issuer) return refuse("token-invalid", { at: "iss" });
  if (!isFor(jws.claims["aud"], check.audience)) return refuse("token-invalid", { at: "aud" });
  const claims = claimsOf(jws);
  return claims === null ? refuse("token-invalid", { at: "claims" }) : ok(claims);
}

/**
 * Checks an access token of ours (RFC 9068 §4): type, ES256 signature, issuer, audience, time, and
 * that it says to what it is bound. The caller must then see that bound proven and ask whether the
 * session lives. Fails as "token-invalid" or "token-expired".
 */
export async function verifyAccessToken(check: AccessTokenCheck): Promise<Result<AccessClaims>> {
  const hash = check.verified === undefined ? "" : sha256Text(check.token);
  const known = check.verified?.get(hash);
  const outcome = known === undefined ? await verifyAfresh(check) : ok(known);
  if (!outcome.ok) return outcome;
  if (check.now >= outcome.value.expiresAt) {
    check.verified?.delete(hash);
    return refuse("token-expired");
  }
  if (known === undefined) check.verified?.set(hash, outcome.value);
  return outcome;
}
