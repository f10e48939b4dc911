import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";

/** NIST SP 800-38D §5.2.1.1: 96 bits; random ones bound the seals of one key (§8.3). */
export const nonceBytes = 12;
const tagBytes = 16;
const formatV1 = 1;
const bodyAt = 1 + nonceBytes;
const overheadBytes = bodyAt + tagBytes;
const cipher = "aes-256-gcm";

/**
 * Seals into format byte 1, nonce, ciphertext, tag. `nonce` must never have been used with this
 * key, and `key` must be a 32-byte secret KeyObject: Node sets up raw bytes anew for each call.
 */
export function seal(key: KeyObject, nonce: Buffer, aad: Buffer, plain: Buffer): Buffer {
  const sealing = createCipheriv(cipher, key, nonce);
  sealing.setAAD(aad);
  const body = sealing.update(plain);
  sealing.final();
  const sealed = Buffer.allocUnsafe(overheadBytes + body.length);
  sealed[0] = formatV1;
  sealed.set(nonce, 1);
  sealed.set(body, bodyAt);
  sealed.set(sealing.getAuthTag(), bodyAt + body.length);
  return sealed;
}

/** Null when it was not sealed with this key and AAD, or any bit of it was changed. */
export function open(key: KeyObject, aad: Buffer, sealed: Buffer): Buffer | null {
  if (sealed.length < overheadBytes || sealed[0] !== formatV1) return null;
  const end = sealed.length - tagBytes;
  const opening = createDecipheriv(cipher, key, sealed.subarray(1, bodyAt));
  opening.setAAD(aad);
  opening.setAuthTag(sealed.subarray(end));
  const plain = opening.update(sealed.subarray(bodyAt, end));
  try {
    opening.final();
  } catch {
    // What came out before the tag was checked is not to be trusted, nor to lie about.
    plain.fill(0);
    return null;
  }
  return plain;
}
