import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";

/** NIST SP 800-38D §5.2.1.1 and §8.2.2: random 96-bit nonces, full 128-bit tags. */
export const gcm = { nonceBytes: 12, tagBytes: 16, overheadBytes: 28 } as const;

const cipher = "aes-256-gcm";

export interface SealInput {
  /** Fresh and random for each call: a nonce used twice under one key gives the key's secrecy away. */
  readonly nonce: Buffer;
  readonly aad: Buffer;
  readonly plain: Buffer;
}

/** AES-256-GCM; returns nonce, ciphertext and tag in one. */
export function sealUnder(key: KeyObject, input: SealInput): Buffer {
  const sealed = Buffer.allocUnsafe(input.plain.length + gcm.overheadBytes);
  sealInto(sealed, key, input);
  return sealed;
}

/** The same into a place of just that size. */
export function sealInto(sealed: Buffer, key: KeyObject, { nonce, aad, plain }: SealInput): void {
  const sealing = createCipheriv(cipher, key, nonce);
  sealing.setAAD(aad);
  const body = sealing.update(plain);
  sealing.final();
  sealed.set(nonce, 0);
  sealed.set(body, gcm.nonceBytes);
  sealed.set(sealing.getAuthTag(), gcm.nonceBytes + plain.length);
}

/** Null when the key, the AAD or any bit of `sealed` is not the one that it was sealed with. */
export function openUnder(key: KeyObject, aad: Buffer, sealed: Buffer): Buffer | null {
  if (sealed.length < gcm.overheadBytes) return null;
  const end = sealed.length - gcm.tagBytes;
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, gcm.nonceBytes));
  opening.setAAD(aad);
  opening.setAuthTag(sealed.subarray(end));
  const plain = opening.update(sealed.subarray(gcm.nonceBytes, end));
  try {
    opening.final();
  } catch {
    plain.fill(0);
    return null;
  }
  return plain;
}
