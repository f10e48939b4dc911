import type { JWK } from "oidc-provider";
import type { Clock } from "#core/clock.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { openSealed } from "#identity/sealed.ts";
import type { Sealer } from "#vault/sealer.ts";
import { currentKeys } from "#identity/signing/rotation.ts";
import { makeSigningKey, writeSigningKeys } from "#identity/signing/signing-keys.ts";
import { findSecret, offerSecret, secretPurpose, signingSecret } from "#identity/secret-store.ts";
import type { Queryable } from "#storage/database.ts";

/** The process's own keys: made at first start, sealed in the database, the same in every copy. */
export interface Secrets {
  readonly blindKey: Buffer;
  /** Newest first; the first signs, all verify. */
  readonly cookieKeys: readonly string[];
  /** Private ES256 keys; the first signs, all verify. */
  readonly signingKeys: readonly JWK[];
}

export interface SecretDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly random: Random;
  readonly clock: Clock;
}

async function secretOf(deps: SecretDeps, name: string, make: () => Buffer): Promise<Buffer> {
  const purpose = secretPurpose(name);
  const known = await findSecret(deps.db, name);
  if (known !== null) return openSealed(deps.sealer, purpose, known);
  await offerSecret(deps.db, name, deps.sealer.seal(purpose, make()));
  const stored = await findSecret(deps.db, name);
  invariant(stored !== null, "a secret that was just stored is gone");
  return openSealed(deps.sealer, purpose, stored);
}

/** Finds the keys or makes them. Throws the driver's error, or BrokenInvariant when one does not open. */
export async function openSecrets(deps: SecretDeps): Promise<Secrets> {
  const { random, clock } = deps;
  const blindKey = await secretOf(deps, "blind", () => random.bytes(32));
  const cookieKey = await secretOf(deps, "cookie", () => random.bytes(32));
  await secretOf(deps, signingSecret, () =>
    writeSigningKeys([makeSigningKey(random, clock.now())]),
  );
  const signingKeys = await currentKeys(deps);
  return {
    blindKey,
    cookieKeys: [cookieKey.toString("base64url")],
    signingKeys: signingKeys.map(({ jwk }) => jwk),
  };
}
