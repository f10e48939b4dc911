import { createSecretKey, hkdfSync, randomBytes } from "node:crypto";
import { openUnder, sealUnder } from "#keys/gcm.ts";
import { fakeService, type FakeService, type ServiceAnswer } from "#keys/kms/testing-service.ts";
import { jsonOf } from "#keys/shape.ts";
import type { Cleanup } from "#keys/testing.ts";

export const vaultToken = "hvs.test-token";

const errors = (status: number, ...said: string[]): ServiceAnswer => ({
  status,
  body: { errors: said },
});

/**
 * The two calls of Vault's transit engine, as its API documentation has them: the token is checked,
 * `associated_data` is authenticated, and `context` derives the key where the key is a derived one.
 */
export async function fakeVault(t: Cleanup, { derived = false } = {}): Promise<FakeService> {
  const key = randomBytes(32);
  return fakeService(t, ({ method, path, headers, text }) => {
    if (headers["x-vault-token"] !== vaultToken) return errors(403, "permission denied");
    const [, work] = /^\/v1\/transit\/(encrypt|decrypt)\/phylax-root$/.exec(path) ?? [];
    if (method !== "POST" || work === undefined) return errors(404);
    const asked = (jsonOf(text) ?? {}) as Record<string, string | undefined>;
    if (derived && asked["context"] === undefined)
      return errors(400, "missing 'context' for key derivation");
    const under = createSecretKey(
      Buffer.from(hkdfSync("sha256", key, "", derived ? (asked["context"] ?? "") : "", 32)),
    );
    const aad = Buffer.from(asked["associated_data"] ?? "", "base64");
    if (work === "encrypt") {
      const plain = Buffer.from(asked["plaintext"] ?? "", "base64");
      const sealed = sealUnder(under, { nonce: randomBytes(12), aad, plain });
      return {
        status: 200,
        body: { data: { ciphertext: `vault:v1:${sealed.toString("base64")}` } },
      };
    }
    const [, sealed] = /^vault:v1:(.+)$/.exec(asked["ciphertext"] ?? "") ?? [];
    if (sealed === undefined) return errors(400, "invalid ciphertext: no prefix");
    const plain = openUnder(under, aad, Buffer.from(sealed, "base64"));
    return plain === null
      ? errors(400, "cipher: message authentication failed")
      : { status: 200, body: { data: { plaintext: plain.toString("base64") } } };
  });
}
