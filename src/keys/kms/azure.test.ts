import assert from "node:assert/strict";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openAzureKms, parseAzureConfig } from "#keys/kms/azure.ts";
import { azureAccount, fakeAzure, hsmKey, vaultKey } from "#keys/kms/testing-azure.ts";
import { codeOf, keepsPromises, type ServiceKms } from "#keys/kms/testing-promises.ts";
import { testFolder, type Cleanup } from "#keys/testing.ts";

const { tenant, client, secret, federated } = azureAccount;
const rsa = { key: vaultKey, algorithm: "RSA-OAEP-256" };
const aes = { key: hsmKey, algorithm: "A256GCM" };

async function open(t: Cleanup, choice: object, signIn: object): Promise<ServiceKms> {
  const service = await fakeAzure(t);
  const config = parseAzureConfig({ kind: "azure", ...choice, signIn });
  assert.ok(config !== null);
  const kms = await openAzureKms(config, service.tools);
  assert.ok(kms.ok);
  return { kms: kms.value, service };
}

async function secretFile(t: Cleanup, text: string): Promise<string> {
  const path = join(await testFolder(t), "secret");
  await writeFile(path, `${text}\n`, { mode: 0o600 });
  return path;
}

const managed = { by: "managed-identity" };

keepsPromises("azure key vault", (t) => open(t, rsa, managed));
keepsPromises("azure managed hsm", (t) => open(t, aes, managed));

test("an application signs in to Azure with its secret or with a token of its cluster", async (t) => {
  const known = { tenant, client };
  const linked = join(await testFolder(t), "token");
  await symlink(await secretFile(t, federated), linked);
  const ways = [
    { by: "client-secret", ...known, secretFile: await secretFile(t, secret) },
    { by: "workload-identity", ...known, tokenFile: linked },
  ];
  for (const way of ways) {
    const { kms } = await open(t, aes, way);
    const wrapped = await kms.wrap(Buffer.alloc(32), "context");
    assert.ok(wrapped.ok, way.by);
  }
});

test("a secret that Azure refuses is unavailable, and is not repeated in the problem", async (t) => {
  const path = await secretFile(t, "a wrong secret");
  const way = { by: "client-secret", tenant, client, secretFile: path };
  const { kms } = await open(t, rsa, way);
  const result = await kms.wrap(Buffer.alloc(32), "context");
  assert.equal(codeOf(result), "key-unavailable");
  assert.match(JSON.stringify(result), /sign-in refuses us/);
  assert.ok(!JSON.stringify(result).includes("wrong secret"));
});

test("a Managed HSM gets the context as additional authenticated data", async (t) => {
  const { kms, service } = await open(t, aes, managed);
  assert.ok((await kms.wrap(Buffer.alloc(32), "ring 1")).ok);
  assert.ok(service.requests.some(({ text }) => text.includes('"aad":"cmluZyAx"')));
});

test("a choice without a version, over plain HTTP, of another host or with a secret in it is none", () => {
  const good = { kind: "azure", ...rsa, signIn: managed };
  assert.ok(parseAzureConfig(good) !== null);
  const bad = [
    { ...good, key: "https://phylax-test.vault.azure.net/keys/root" },
    { ...good, key: vaultKey.replace("https", "http") },
    { ...good, key: vaultKey.replace("azure.net", "azure.example") },
    { ...good, algorithm: "RSA1_5" },
    { ...good, signIn: { by: "client-secret", tenant, client, secret: "s" } },
    { ...good, signIn: { by: "managed-identity", secretFile: "/x" } },
  ];
  for (const value of bad) assert.equal(parseAzureConfig(value), null, JSON.stringify(value));
});
