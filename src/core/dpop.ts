import { createBoundedCache, type BoundedCache } from "#core/bounded-cache.ts";
import { parseInstant, type Instant } from "#core/clock.ts";
import {
  importVerifyKey,
  isSignedBy,
  parseJws,
  parsePublicJwk,
  sha256Text,
  thumbprintOf,
  type CompactJws,
  type JwsHeader,
  type VerifyKey,
} from "#core/jws.ts";
import { limits } from "#core/limits.ts";
import { refuse, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";

export const dpopLimits = {
  proofChars: 4_096,
  jtiChars: 128,
  /** Keys of devices kept ready; importing one costs about half of a verification. */
  cachedKeys: 10_000,
} as const;

interface Signer {
  /** RFC 7638 thumbprint. */
  readonly jkt: string;
  readonly key: VerifyKey;
}

/** Headers of proofs that held: a device sends the same one, with the same key, in each of its proofs. */
export interface KnownSigners {
  readonly headers: BoundedCache<string, JwsHeader>;
  readonly signers: WeakMap<JwsHeader, Signer>;
}

export function createKnownSigners(): KnownSigners {
  return { headers: createBoundedCache(dpopLimits.cachedKeys), signers: new WeakMap() };
}

export interface DpopProofCheck {
  /** Value of the one DPoP header. */
  readonly proof: string;
  readonly method: string;
  /** Absolute address as the caller knows it, made from the configured public origin; query and fragment do not count. */
  readonly url: string;
  /** The token that the proof must be for. */
  readonly accessToken: string;
  readonly now: Instant;
  /** Kept by the caller over many checks. */
  readonly known?: KnownSigners;
}

export interface DpopProof {
  /** RFC 7638 thumbprint of the key that signed. */
  readonly jkt: string;
  readonly jti: string;
  /** From here on the proof is refused by its age, so its jti may be forgotten. */
  readonly expiresAt: Instant;
}

/** RFC 9449 §4.3, step 9: without query and fragment, after scheme-based normalisation. */
function sameTarget(claimed: unknown, url: string): boolean {
  if (typeof claimed !== "string") return false;
  const ours = url.replace(/[?#].*$/s, "");
  const theirs = claimed.replace(/[?#].*$/s, "");
  return theirs === ours || URL.parse(theirs)?.href === URL.parse(ours)?.href;
}

function problemOfClaims(jws: CompactJws, check: DpopProofCheck): Problem | null {
  const { htm, htu, ath, iat, jti } = jws.claims;
  const at = (name: string): Problem => ({ code: "proof-invalid", at: name });
  if (htm !== check.method) return at("htm");
  if (!sameTarget(htu, check.url)) return at("htu");
  if (ath !== sha256Text(check.accessToken)) return at("ath");
  if (typeof jti !== "string" || jti === "" || jti.length > dpopLimits.jtiChars) return at("jti");
  const ageMs = typeof iat === "number" ? check.now - iat * 1_000 : Number.NaN;
  return Math.abs(ageMs) <= limits.dpopProofAgeSeconds * 1_000 ? null : at("iat");
}

async function signerOf(header: JwsHeader): Promise<Signer | null> {
  const jwk = parsePublicJwk(header["jwk"]);
  const key = jwk === null ? null : await importVerifyKey(jwk, header["alg"]);
  return jwk === null || key === null ? null : { jkt: thumbprintOf(jwk), key };
}

/**
 * Checks a DPoP proof that comes with an access token (RFC 9449 §4.3), save the one use of its
 * jti: the caller hands `jkt`, `jti` and `expiresAt` to the log, which refuses a second use.
 * The caller must also compare `jkt` with the token's. Fails as "proof-invalid", `at` naming the
 * claim or header.
 */
export async function verifyDpopProof(check: DpopProofCheck): Promise<Result<DpopProof>> {
  const { known } = check;
  const jws = parseJws(check.proof, dpopLimits.proofChars, known?.headers);
  if (jws === null) return refuse("proof-invalid", { at: "DPoP" });
  if (jws.header["typ"] !== "dpop+jwt") return refuse("proof-invalid", { at: "typ" });
  const found = problemOfClaims(jws, check);
  if (found !== null) return failed(found);
  const remembered = known?.signers.get(jws.header);
  const signer = remembered ?? (await signerOf(jws.header));
  if (signer === null) return refuse("proof-invalid", { at: "jwk" });
  if (!(await isSignedBy(jws, signer.key))) return refuse("proof-invalid", { at: "signature" });
  if (remembered === undefined) {
    known?.headers.set(jws.headerText, jws.header);
    known?.signers.set(jws.header, signer);
  }
  const expiresAt = parseInstant(
    Math.ceil((Number(jws.claims["iat"]) + limits.dpopProofAgeSeconds) * 1_000),
  );
  if (expiresAt === null) return refuse("proof-invalid", { at: "iat" });
  return ok({ jkt: signer.jkt, jti: String(jws.claims["jti"]), expiresAt });
}
