import { parseJwks, type KeyOf } from "#core/access-token.ts";
import type { Clock } from "#core/clock.ts";
import type { VerifyKey } from "#core/jws.ts";

export const jwksLimits = {
  /** An unknown kid makes us ask identity again, but not more often than this. */
  refetchMs: 5_000,
  /** Keys are asked for anew after this, so that a withdrawn one is forgotten. */
  maxAgeMs: 60_000,
} as const;

/** Fetches identity's JWK set, parsed from JSON. Throws when identity does not answer. */
export type FetchJwks = () => Promise<unknown>;

/**
 * Looks up identity's signing keys, kept between requests. While identity does not answer, known
 * keys stay good and unknown ones are not found.
 */
export function createKeyOf(fetchJwks: FetchJwks, clock: Clock): KeyOf {
  let keys: ReadonlyMap<string, VerifyKey> = new Map();
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | null = null;

  const fetchKeys = async (): Promise<void> => {
    askedAtMs = clock.monotonicMs();
    try {
      const fetched = await parseJwks(await fetchJwks());
      if (fetched.size > 0) keys = fetched;
    } catch {
      // The caller is told by its kid not being found.
    } finally {
      underWay = null;
    }
  };

  return async (kid) => {
    const ageMs = clock.monotonicMs() - askedAtMs;
    const wanted = ageMs > jwksLimits.maxAgeMs || (!keys.has(kid) && ageMs > jwksLimits.refetchMs);
    if (wanted) underWay ??= fetchKeys();
    if (!keys.has(kid) && underWay !== null) await underWay;
    return keys.get(kid) ?? null;
  };
}
