import type { Random } from "#core/random.ts";
import { nonceBytes } from "#vault/gcm.ts";
import { createRunWatch, type RunWatchDeps } from "#vault/run-watch.ts";

/** One system call fetches so many nonces. */
const noncesPerBlock = 1_024;

export interface NonceDeps extends RunWatchDeps {
  readonly random: Random;
}

/**
 * Gives a fresh random 96-bit nonce at each call, drawn in blocks. None is given twice, not even by
 * two processes that come from one memory: what was drawn before a fork or a snapshot is thrown away.
 */
export function createNoncePool({ random, ...run }: NonceDeps): () => Buffer {
  const isSameRun = createRunWatch(run);
  let block: Buffer = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (!isSameRun() || at === block.length) {
      block = random.bytes(noncesPerBlock * nonceBytes);
      at = 0;
    }
    at += nonceBytes;
    return block.subarray(at - nonceBytes, at);
  };
}
