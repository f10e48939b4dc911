import {
  compactDecrypt,
  CompactEncrypt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
} from "jose";
import { isObject } from "../fhir/json.ts";

/**
 * How the copy is locked. The summary is sealed twice (RFC 7516): within, to a public key whose
 * private half opens only under what the passkey computes; without, under the lease's key, which stands
 * in the browser as a key that no script can read out. So a fresh summary is kept without asking the
 * person, and read only when she shows her passkey and the lease's key was not deleted.
 */
export interface Lock {
  readonly publicKey: CryptoKey;
  /** The private half as a JWE under the passkey's key. */
  readonly wrapped: string;
}

const inner = { alg: "ECDH-ES", enc: "A256GCM" } as const;
const direct = { alg: "dir", enc: "A256GCM" } as const;
const utf8 = new TextEncoder();
const info = utf8.encode("phylax offline summary lock");

/** The key that comes of the passkey's secret (WebAuthn Level 3 §10.1.4, `prf`: 32 bytes). */
async function passkeyKey(secret: BufferSource): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

/** The lease's key as the browser may keep it. Throws when these are not 32 bytes in base64url. */
export async function leaseKey(text: string): Promise<CryptoKey> {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) =>
    one.charCodeAt(0),
  );
  if (bytes.length !== 32) throw new Error("a lease's key has another length");
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

export async function makeLock(secret: BufferSource): Promise<Lock> {
  const pair = await generateKeyPair(inner.alg, { crv: "P-256", extractable: true });
  const secretHalf = utf8.encode(JSON.stringify(await exportJWK(pair.privateKey)));
  const wrapped = await new CompactEncrypt(secretHalf)
    .setProtectedHeader(direct)
    .encrypt(await passkeyKey(secret));
  return { publicKey: pair.publicKey, wrapped };
}

/** What the seal is bound to: another lease or another end, and it does not open. */
export interface Bound {
  readonly lease: string;
  readonly endsAtMs: number;
}

export async function seal(
  content: object,
  lock: Pick<Lock, "publicKey">,
  { key, lease, endsAtMs }: Bound & { readonly key: CryptoKey },
): Promise<string> {
  const within = await new CompactEncrypt(utf8.encode(JSON.stringify(content)))
    .setProtectedHeader(inner)
    .encrypt(lock.publicKey);
  return new CompactEncrypt(utf8.encode(within))
    .setProtectedHeader({ ...direct, lease, endsAtMs })
    .encrypt(key);
}

async function secretHalfOf(lock: Pick<Lock, "wrapped">, secret: BufferSource): Promise<CryptoKey> {
  const { plaintext } = await compactDecrypt(lock.wrapped, await passkeyKey(secret));
  const jwk: unknown = JSON.parse(new TextDecoder().decode(plaintext));
  if (!isObject(jwk) || jwk["kty"] !== "EC") throw new Error("the lock holds no key");
  const key = await importJWK({ ...jwk, kty: "EC" }, inner.alg, { extractable: false });
  if (!(key instanceof CryptoKey)) throw new Error("the lock holds no key");
  return key;
}

/** Throws when anything of it was changed, or the passkey's secret is another one. */
export async function unseal(
  sealed: string,
  lock: Pick<Lock, "wrapped">,
  { key, lease, endsAtMs, secret }: Bound & { key: CryptoKey; secret: BufferSource },
): Promise<unknown> {
  const said = decodeProtectedHeader(sealed);
  if (said["lease"] !== lease || said["endsAtMs"] !== endsAtMs)
    throw new Error("the copy is of another lease");
  const without = await compactDecrypt(sealed, key);
  const within = await compactDecrypt(
    new TextDecoder().decode(without.plaintext),
    await secretHalfOf(lock, secret),
  );
  return JSON.parse(new TextDecoder().decode(within.plaintext));
}
