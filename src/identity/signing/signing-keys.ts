import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "oidc-provider";
import { laterBy, parseInstant, type Instant } from "#core/clock.ts";
import { isRecord } from "#core/jws.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";

const minutes = 60_000;
const days = 24 * 60 * minutes;

export const signingLimits = {
  /** A new key is made when the newest is as old as this. */
  ageMs: 90 * days,
  /** A new key is published so long before it signs that whoever keeps our keys has asked anew. */
  leadMs: 15 * minutes,
  /** A key that signs no more is published for as long as anything lives that it signed. */
  keptMs: 1 * days,
  keys: 10,
} as const;

/** A private ES256 key and when it begins to sign. */
export interface SigningKey {
  readonly jwk: JWK;
  readonly signsFrom: Instant;
}

export function makeSigningKey(random: Random, signsFrom: Instant): SigningKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const kid = random.bytes(12).toString("base64url");
  return {
    jwk: { ...privateKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" },
    signsFrom,
  };
}

/** Throws BrokenInvariant when the text is not one of ours. */
export function parseSigningKeys(json: Buffer): readonly SigningKey[] {
  const keys: unknown = JSON.parse(json.toString("utf8"));
  invariant(Array.isArray(keys) && keys.length > 0, "no signing key");
  return keys.map((key: unknown) => {
    const signsFrom = isRecord(key) ? parseInstant(Number(key["signsFrom"])) : null;
    const jwk = isRecord(key) ? key["jwk"] : null;
    invariant(signsFrom !== null && isRecord(jwk), "a signing key has not its form");
    return { jwk, signsFrom };
  });
}

export const writeSigningKeys = (keys: readonly SigningKey[]): Buffer =>
  Buffer.from(JSON.stringify(keys));

const newestFirst = (keys: readonly SigningKey[]): readonly SigningKey[] =>
  keys.toSorted((one, other) => other.signsFrom - one.signsFrom);

/**
 * The keys to publish now, the one that signs first: the newest whose time has come. Those before it
 * stay until what they signed is over.
 */
export function keysAt(keys: readonly SigningKey[], now: Instant): readonly SigningKey[] {
  const sorted = newestFirst(keys);
  const started = sorted.filter(({ signsFrom }) => signsFrom <= now);
  const [signer = sorted.at(-1), ...older] = started;
  invariant(signer !== undefined, "no signing key");
  const next = sorted.filter((key) => key.signsFrom > now && key !== signer);
  const kept = older.filter((_, at) => {
    const successor = started[at];
    return successor !== undefined && now < laterBy(successor.signsFrom, signingLimits.keptMs);
  });
  return [signer, ...next, ...kept];
}

/** Whether it is time for a new key: the newest there is has signed for long enough. */
export function isOld(keys: readonly SigningKey[], now: Instant): boolean {
  return keys.every(({ signsFrom }) => now >= laterBy(signsFrom, signingLimits.ageMs));
}
