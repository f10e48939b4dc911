import { laterBy, type Clock, type Instant } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { openSealed } from "#identity/sealed.ts";
import { findSecret, replaceSecret, secretPurpose, signingSecret } from "#identity/secret-store.ts";
import {
  isOld,
  keysAt,
  makeSigningKey,
  parseSigningKeys,
  signingLimits,
  writeSigningKeys,
  type SigningKey,
} from "#identity/signing/signing-keys.ts";
import type { Sealer } from "#vault/sealer.ts";
import type { Queryable } from "#storage/database.ts";

export interface RotationDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
}

interface Stored {
  readonly sealed: Buffer;
  readonly keys: readonly SigningKey[];
}

async function stored({ db, sealer }: RotationDeps): Promise<Stored> {
  const sealed = await findSecret(db, signingSecret);
  invariant(sealed !== null, "the signing keys are gone");
  return {
    sealed,
    keys: parseSigningKeys(openSealed(sealer, secretPurpose(signingSecret), sealed)),
  };
}

/** Stores the keys in place of those that were read; false when another copy of this process was first. */
async function store(
  { db, sealer }: RotationDeps,
  before: Stored,
  keys: readonly SigningKey[],
): Promise<boolean> {
  const sealed = sealer.seal(secretPurpose(signingSecret), writeSigningKeys(keys));
  return replaceSecret(db, signingSecret, before.sealed, sealed);
}

/** The keys to publish at this moment, the signing one first; makes the next one when it is time. */
export async function currentKeys(deps: RotationDeps): Promise<readonly SigningKey[]> {
  const now = deps.clock.now();
  const before = await stored(deps);
  if (!isOld(before.keys, now)) return keysAt(before.keys, now);
  const next = makeSigningKey(deps.random, laterBy(now, signingLimits.leadMs));
  const keys = [next, ...keysAt(before.keys, now)];
  return keysAt((await store(deps, before, keys)) ? keys : (await stored(deps)).keys, now);
}

export interface Rotated {
  readonly kid: string;
  readonly signsFrom: Instant;
  /** Keys of which nothing is believed any more. */
  readonly withdrawn: number;
}

/**
 * Makes a new signing key. Usually it is published first and signs later, and the old ones stay until
 * what they signed is over. `atOnce` is for a key that got out: the new one signs now, and nothing is
 * believed any more that an old one signed. Fails as "edit-conflict" when another rotation was first,
 * or as "rate-limited" when as many keys are published as may be.
 */
export async function rotateKeys(deps: RotationDeps, atOnce: boolean): Promise<Result<Rotated>> {
  const now = deps.clock.now();
  const before = await stored(deps);
  const made = makeSigningKey(deps.random, atOnce ? now : laterBy(now, signingLimits.leadMs));
  const kept = atOnce ? [] : keysAt(before.keys, now);
  if (kept.length >= signingLimits.keys) return refuse("rate-limited");
  if (!(await store(deps, before, [made, ...kept]))) return refuse("edit-conflict");
  const { kid = "" } = made.jwk;
  return ok({ kid, signsFrom: made.signsFrom, withdrawn: before.keys.length - kept.length });
}
