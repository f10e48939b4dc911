import { createPublicKey, type JsonWebKey } from "node:crypto";
import { isRecord } from "#core/jws.ts";
import { clientLimits } from "#identity/clients/limits.ts";
import type { JsonObject } from "#identity/http/body.ts";

/** Algorithms by which a client may sign: SMART App Launch 2.2 §5.1.2.1, and the one that our own tokens have. */
export const clientSigningAlgs = ["ES256", "ES384", "RS384"] as const;

const rsaBitsMin = 2_048;

const secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

function isStrong(jwk: JsonWebKey): boolean {
  try {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const { modulusLength } = key.asymmetricKeyDetails ?? {};
    return key.asymmetricKeyType === "ec" || (modulusLength ?? 0) >= rsaBitsMin;
  } catch {
    return false;
  }
}

function isSigningKey(jwk: JsonObject): boolean {
  const { kty, crv, kid, use, alg } = jwk;
  if (typeof kid !== "string" || kid === "" || kid.length > 200) return false;
  if (use !== undefined && use !== "sig") return false;
  if (alg !== undefined && !clientSigningAlgs.some((known) => known === alg)) return false;
  if (secretMembers.some((member) => jwk[member] !== undefined)) return false;
  const isEc = kty === "EC" && (crv === "P-256" || crv === "P-384");
  return (isEc || kty === "RSA") && isStrong(jwk);
}

/**
 * A JWK Set of public signing keys (RFC 7517 §5), each with a `kid` of its own: P-256, P-384, or RSA of
 * 2048 bits and more. Null when any key is not of that kind, or shows a private member.
 */
export function parseClientKeys(value: unknown): readonly JsonObject[] | null {
  if (!isRecord(value) || !Array.isArray(value["keys"])) return null;
  const given: readonly unknown[] = value["keys"];
  if (given.length === 0 || given.length > clientLimits.keysPerClient) return null;
  const keys = given.filter((key): key is JsonObject => isRecord(key) && isSigningKey(key));
  const kids = new Set(keys.map(({ kid }) => kid));
  if (keys.length !== given.length || kids.size !== keys.length) return null;
  return JSON.stringify(keys).length > clientLimits.jwksChars ? null : keys;
}
