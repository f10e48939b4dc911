import { createPublicKey, hash, verify, type KeyObject } from "node:crypto";
import type { BoundedCache } from "#core/bounded-cache.ts";

export type JwsHeader = Readonly<Record<string, unknown>>;

/** A JWS in compact form (RFC 7515 §7.1), taken apart; its signature is not yet checked. */
export interface CompactJws {
  readonly header: JwsHeader;
  /** The header as it came. */
  readonly headerText: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** The signature algorithms that are believed: asymmetric only, so a public key can never pose as a secret. */
export type SignatureAlg = "ES256" | "EdDSA" | "Ed25519";

export interface VerifyKey {
  readonly alg: SignatureAlg;
  readonly key: KeyObject;
}

const compact = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsePart(part: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * Null when the text is longer than `maxChars`, is not a compact JWS of JSON objects, or has a `crit`
 * header, as we understand no extension. A header among `known` is not parsed again.
 */
export function parseJws(
  text: string,
  maxChars: number,
  known?: Pick<BoundedCache<string, JwsHeader>, "get">,
): CompactJws | null {
  if (text.length > maxChars || !compact.test(text)) return null;
  const claimsAt = text.indexOf(".") + 1;
  const signatureAt = text.lastIndexOf(".") + 1;
  const headerText = text.slice(0, claimsAt - 1);
  const header = known?.get(headerText) ?? parsePart(headerText);
  const claims = parsePart(text.slice(claimsAt, signatureAt - 1));
  if (header === null || claims === null || header["crit"] !== undefined) return null;
  return {
    header,
    headerText,
    claims,
    signed: Buffer.from(text.slice(0, signatureAt - 1), "latin1"),
    signature: Buffer.from(text.slice(signatureAt), "base64url"),
  };
}

const es256Bytes = 64;

/** One INTEGER of DER: no leading zeros, but one where the first bit would make it negative. */
function derInteger(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? bytes.subarray(-1) : bytes.subarray(first);
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  return Buffer.concat([Buffer.from([2, digits.length + sign.length, ...sign]), digits]);
}

/** The r and s of a JWS (RFC 7518 §3.4) as ECDSA-Sig-Value (RFC 3279 §2.2.3); null when they are not 64 bytes. */
export function derSignature(raw: Buffer): Buffer | null {
  if (raw.length !== es256Bytes) return null;
  const half = es256Bytes / 2;
  const body = Buffer.concat([derInteger(raw.subarray(0, half)), derInteger(raw.subarray(half))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

/** Whether the key made the signature. The header's alg must be the key's own. */
export async function isSignedBy(jws: CompactJws, { alg, key }: VerifyKey): Promise<boolean> {
  if (jws.header["alg"] !== alg) return false;
  // Rewriting the signature ourselves takes a few microseconds; asking node:crypto to
  // ("ieee-p1363") takes as long as a third of the verification, on the main thread.
  const signature = alg === "ES256" ? derSignature(jws.signature) : jws.signature;
  if (signature === null) return false;
  const digest = alg === "ES256" ? "sha256" : null;
  // Given a callback, verify works on the thread pool and leaves the event loop to other requests.
  return new Promise((resolve, reject) => {
    verify(digest, jws.signed, key, signature, (error, holds) =>
      error === null ? resolve(holds) : reject(error),
    );
  });
}

type PublicJwk =
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string };

/** Null unless it is a public P-256 or Ed25519 key; a private member refuses it (RFC 9449 §4.2). */
export function parsePublicJwk(value: unknown): PublicJwk | null {
  if (!isRecord(value) || value["d"] !== undefined) return null;
  const { kty, crv, x, y } = value;
  if (kty === "EC" && crv === "P-256" && typeof x === "string" && typeof y === "string")
    return { kty, crv, x, y };
  if (kty === "OKP" && crv === "Ed25519" && typeof x === "string") return { kty, crv, x };
  return null;
}

/** JWK thumbprint, SHA-256 in base64url (RFC 7638 §3): required members only, in lexical order. */
export function thumbprintOf(jwk: PublicJwk): string {
  const members =
    jwk.kty === "EC"
      ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
      : { crv: jwk.crv, kty: jwk.kty, x: jwk.x };
  return sha256Text(JSON.stringify(members));
}

/** Makes the key usable for `alg`. Null when the alg is not of this kind of key, or the point is not on its curve. */
export async function importVerifyKey(jwk: PublicJwk, alg: unknown): Promise<VerifyKey | null> {
  const algs: readonly SignatureAlg[] = jwk.kty === "EC" ? ["ES256"] : ["EdDSA", "Ed25519"];
  const fitting = algs.find((known) => known === alg);
  if (fitting === undefined) return null;
  try {
    return { alg: fitting, key: createPublicKey({ key: jwk, format: "jwk" }) };
  } catch {
    return null;
  }
}

/** SHA-256 of an ASCII text in base64url: `ath` of RFC 9449 §4.2 when the text is a token. */
export function sha256Text(text: string): string {
  return hash("sha256", text, "base64url");
}
