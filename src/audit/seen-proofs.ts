import { hash } from "node:crypto";
import type { Instant } from "#core/clock.ts";
import { createBoundedCache } from "#core/bounded-cache.ts";

/** A DPoP proof (RFC 9449) that may be used once, until it is too old to be accepted. */
export interface Proof {
  /** Thumbprint of the key (RFC 7638). */
  readonly jkt: string;
  readonly jti: string;
  readonly expiresAt: Instant;
}

/** One fixed length whatever a stranger put into jti; a thumbprint is base64url, so the dot parts the two. */
export function proofDigest({ jkt, jti }: Proof): Buffer {
  return hash("sha256", `${jkt}.${jti}`, "buffer");
}

/** Remembers proofs of this process, so that most replays cost no database. The database has the last word. */
export interface SeenProofs {
  /** False when the proof was seen before. */
  add(digest: Buffer): boolean;
  /** For a proof whose request came to nothing. */
  forget(digest: Buffer): void;
}

export function createSeenProofs(max: number): SeenProofs {
  const seen = createBoundedCache<string, true>(max);
  return {
    add: (digest) => {
      const key = digest.toString("base64");
      if (seen.get(key) === true) return false;
      seen.set(key, true);
      return true;
    },
    forget: (digest) => seen.delete(digest.toString("base64")),
  };
}
