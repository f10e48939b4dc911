import { createSecretKey, hkdfSync } from "node:crypto";
import { encodeFields } from "#core/fields.ts";
import { invariant } from "#core/result.ts";
import { open, seal } from "#vault/gcm.ts";
import { createNoncePool, type NonceDeps } from "#vault/nonce-pool.ts";

/** Seals small secrets of one process under a key of its own. */
export interface Sealer {
  /** `purpose` names what it is and whose, e.g. "totp-seed <account>": it opens under no other. */
  seal(purpose: string, plain: Buffer): Buffer;
  /** Null when it was sealed for another purpose or under another key, or was changed. */
  open(purpose: string, sealed: Buffer): Buffer | null;
}

/** As for records: far below what random nonces bear (NIST SP 800-38D §8.3). */
const sealsPerKeyMax = 2 ** 28;
const keyBytes = 32;

/** Takes the 32-byte key and overwrites the buffer it came in. */
export function createSealer({ key, ...deps }: NonceDeps & { readonly key: Buffer }): Sealer {
  invariant(key.length === keyBytes, "a sealer's key has 32 bytes");
  const derived = Buffer.from(hkdfSync("sha256", key, "", "phylax secret sealing v1", keyBytes));
  const sealing = createSecretKey(derived);
  key.fill(0);
  derived.fill(0);
  const nonce = createNoncePool(deps);
  const aadOf = (purpose: string): Buffer => encodeFields(["phylax secret v1", purpose]);
  let seals = 0;
  return {
    seal: (purpose, plain) => {
      invariant(seals < sealsPerKeyMax, "this sealer's key is worn out");
      seals += 1;
      return seal(sealing, nonce(), aadOf(purpose), plain);
    },
    open: (purpose, sealed) => open(sealing, aadOf(purpose), sealed),
  };
}
