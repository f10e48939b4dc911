import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "oidc-provider";
import { isRecord } from "#core/jws.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { openSealed } from "#identity/sealed.ts";
import type { Sealer } from "#vault/sealer.ts";
import { findSecret, offerSecret } from "#identity/secret-store.ts";
import type { Queryable } from "#storage/database.ts";

/** The process's own keys: made at first start, sealed in the database, the same in every copy. */
export interface Secrets {
  readonly blindKey: Buffer;
  /** Newest first; the first signs, all verify. */
  readonly cookieKeys: readonly string[];
  /** Private ES256 keys, newest first. */
  readonly signingKeys: readonly JWK[];
}

export interface SecretDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly random: Random;
}

async function secretOf(deps: SecretDeps, name: string, make: () => Buffer): Promise<Buffer> {
  const purpose = `identity-secret:${name}`;
  const known = await findSecret(deps.db, name);
  if (known !== null) return openSealed(deps.sealer, purpose, known);
  await offerSecret(deps.db, name, deps.sealer.seal(purpose, make()));
  const stored = await findSecret(deps.db, name);
  invariant(stored !== null, "a secret that was just stored is gone");
  return openSealed(deps.sealer, purpose, stored);
}

function makeSigningKey(random: Random): Buffer {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = privateKey.export({ format: "jwk" });
  const kid = random.bytes(12).toString("base64url");
  return Buffer.from(JSON.stringify([{ ...jwk, kid, alg: "ES256", use: "sig" }]));
}

function parseKeys(json: Buffer): readonly JWK[] {
  const keys: unknown = JSON.parse(json.toString("utf8"));
  invariant(Array.isArray(keys) && keys.length > 0 && keys.every(isRecord), "no signing key");
  return keys;
}

/** Finds the keys or makes them. Throws the driver's error, or BrokenInvariant when one does not open. */
export async function openSecrets(deps: SecretDeps): Promise<Secrets> {
  const { random } = deps;
  const blindKey = await secretOf(deps, "blind", () => random.bytes(32));
  const cookieKey = await secretOf(deps, "cookie", () => random.bytes(32));
  const signing = await secretOf(deps, "signing", () => makeSigningKey(random));
  return {
    blindKey,
    cookieKeys: [cookieKey.toString("base64url")],
    signingKeys: parseKeys(signing),
  };
}
