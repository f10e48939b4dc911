import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { encodeFields } from "#core/fields.ts";
import type { WrappedKey } from "#core/key-wire.ts";

export type KeyName = Pick<WrappedKey, "tenant" | "compartment" | "dekVersion">;

/**
 * Binds a data key to its name, 32 bytes. AES-GCM alone does not commit to its key: one ciphertext
 * can be made to open under two keys, so the key itself is compared with what was stored.
 */
export function keyCommitment(key: Buffer, name: KeyName): Buffer {
  // Node 24 takes a KeyObject three times faster than the bytes, its making included.
  return createHmac("sha256", createSecretKey(key))
    .update(
      encodeFields([
        "phylax key commitment v1",
        name.tenant,
        name.compartment,
        String(name.dekVersion),
      ]),
    )
    .digest();
}

/** Whether `commitment` (base64url) was made of this very key under this very name. */
export function isCommitted(key: Buffer, name: KeyName, commitment: string): boolean {
  const given = Buffer.from(commitment, "base64url");
  const due = keyCommitment(key, name);
  return given.length === due.length && timingSafeEqual(given, due);
}
