import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { codeOf, keepsPromises, type ServiceKms } from "#keys/kms/testing-promises.ts";
import { fakeVault, vaultToken } from "#keys/kms/testing-vault.ts";
import { openVaultKms, parseVaultConfig } from "#keys/kms/vault.ts";
import { testFolder, type Cleanup } from "#keys/testing.ts";

const choice = (address: string, tokenFile: string, derived: boolean): unknown => ({
  kind: "vault",
  address,
  key: "phylax-root",
  tokenFile,
  derived,
});

async function open(
  t: Cleanup,
  { derived = false, token = vaultToken } = {},
): Promise<ServiceKms & { tokenFile: string }> {
  const service = await fakeVault(t, { derived });
  const tokenFile = join(await testFolder(t), "token");
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  const config = parseVaultConfig(choice(service.origin, tokenFile, derived));
  assert.ok(config !== null);
  const kms = await openVaultKms(config, service.tools);
  assert.ok(kms.ok);
  return { kms: kms.value, service, tokenFile };
}

keepsPromises("vault", open);
keepsPromises("vault with a derived key", (t) => open(t, { derived: true }));

test("a token that Vault refuses is unavailable, and a renewed one is taken up", async (t) => {
  const { kms, tokenFile } = await open(t, { token: "hvs.ended" });
  const refused = await kms.wrap(Buffer.alloc(32), "context");
  assert.equal(codeOf(refused), "key-unavailable");
  assert.ok(!JSON.stringify(refused).includes("hvs.ended"));
  await writeFile(tokenFile, vaultToken);
  assert.ok((await kms.wrap(Buffer.alloc(32), "context")).ok);
});

test("Vault gets the context as associated data, and the token in no address", async (t) => {
  const { kms, service } = await open(t);
  await kms.wrap(Buffer.alloc(32), "phylax kek v1 ring 1");
  const [request] = service.requests;
  assert.match(request?.text ?? "", /"associated_data":"cGh5bGF4IGtlayB2MSByaW5nIDE="/);
  assert.ok(!(request?.path ?? "").includes("hvs"));
});

test("a choice over plain HTTP, with a path or with a token in it is none", () => {
  const good = { kind: "vault", address: "https://vault:8200", key: "k", tokenFile: "/t" };
  assert.ok(parseVaultConfig(good) !== null);
  const bad = [
    { ...good, address: "http://vault:8200" },
    { ...good, address: "https://vault:8200/v1" },
    { ...good, address: "https://user:word@vault:8200" },
    { ...good, token: "hvs.secret" },
    { ...good, mount: "../sys" },
    { ...good, key: "a/b" },
  ];
  for (const value of bad) assert.equal(parseVaultConfig(value), null, JSON.stringify(value));
});
