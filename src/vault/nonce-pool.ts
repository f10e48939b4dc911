import type { Random } from "#core/random.ts";
import { nonceBytes } from "#vault/gcm.ts";

/** One system call fetches so many nonces. */
const noncesPerBlock = 1_024;

/** Gives a fresh random 96-bit nonce at each call, drawn in blocks. None is given twice. */
export function createNoncePool(random: Random): () => Buffer {
  let block: Buffer = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at === block.length) {
      block = random.bytes(noncesPerBlock * nonceBytes);
      at = 0;
    }
    at += nonceBytes;
    return block.subarray(at - nonceBytes, at);
  };
}
