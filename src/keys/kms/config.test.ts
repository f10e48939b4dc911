import assert from "node:assert/strict";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { assert as holds, constantFrom, jsonValue, oneof, property, record } from "fast-check";
import { runProgram } from "#assembly/kms-tools.ts";
import { systemRandom } from "#core/random.ts";
import { ok } from "#core/result.ts";
import {
  createKms,
  openKms,
  parseKmsConfig,
  proven,
  readKmsConfig,
  writeKmsConfig,
  type KmsConfig,
} from "#keys/kms/config.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { noSoftHsm, testToken } from "#keys/kms/testing-hsm.ts";
import { codeOf } from "#keys/kms/testing-promises.ts";
import { fakeVault, vaultToken } from "#keys/kms/testing-vault.ts";
import type { KmsDeps } from "#keys/kms/tools.ts";
import { cheapCost, testFolder, testPassphrase, type Cleanup } from "#keys/testing.ts";

const random = systemRandom;
const kek = Buffer.alloc(32, 7);

async function depsOf(t: Cleanup): Promise<KmsDeps> {
  const connect = (): never => assert.fail("nothing is connected to");
  const tools = { run: runProgram, connect };
  const passphrase = (): ReturnType<KmsDeps["passphrase"]> => ok(testPassphrase);
  return { folder: await testFolder(t), passphrase, random, tools, cost: cheapCost };
}

test("what a choice's text says is what is read back, for each kind", async (t) => {
  const key = `https://name.vault.azure.net/keys/root/${"0".repeat(32)}`;
  const choices: readonly unknown[] = [
    { kind: "file", path: "/media/stick/root.key" },
    { kind: "systemd-creds", with: "host+tpm2" },
    { kind: "tpm", tcti: null, pcrs: "sha256:7" },
    { kind: "pkcs11", module: "/m.so", token: "t", key: "k", pinFile: "/pin" },
    { kind: "vault", address: "https://v:8200", key: "k", tokenFile: "/t" },
    { kind: "aws", region: "eu-central-1", key: "arn:aws:kms:eu-central-1:111122223333:key/1-a" },
    { kind: "azure", key, algorithm: "RSA-OAEP-256", signIn: { by: "managed-identity" } },
    { kind: "gcp", key: "projects/p/locations/l/keyRings/r/cryptoKeys/k" },
  ];
  const path = join(await testFolder(t), "kms.json");
  for (const choice of choices) {
    const config = parseKmsConfig(choice);
    assert.ok(config !== null, JSON.stringify(choice));
    await writeKmsConfig(path, config);
    assert.deepEqual(await readKmsConfig(path), { ok: true, value: config });
    assert.deepEqual(parseKmsConfig(JSON.parse(await readFile(path, "utf8"))), config);
  }
});

test("no file is the kind file; one that is open to others or broken is refused", async (t) => {
  const path = join(await testFolder(t), "kms.json");
  const none: KmsConfig = { kind: "file", path: null };
  assert.deepEqual(await readKmsConfig(path), { ok: true, value: none });
  await writeFile(path, '{"kind":"file"}', { mode: 0o600 });
  assert.deepEqual(await readKmsConfig(path), { ok: true, value: none });
  await chmod(path, 0o644);
  assert.equal(codeOf(await readKmsConfig(path)), "root-key-refused");
  await rm(path);
  await writeFile(path, '{"kind":"abacus"}', { mode: 0o600 });
  assert.equal(codeOf(await readKmsConfig(path)), "root-key-refused");
});

test("no value makes the parser of choices throw, and none of chance is a choice", () => {
  const kinds = ["file", "systemd-creds", "tpm", "pkcs11", "vault", "aws", "azure", "gcp"];
  const value = oneof(
    jsonValue(),
    record({ kind: constantFrom(...kinds), more: jsonValue(), key: jsonValue() }),
  );
  holds(property(value, (one) => parseKmsConfig(one) === null));
});

test("a root key file is made once, and never over another", async (t) => {
  const deps = await depsOf(t);
  const config = { kind: "file", path: null } as const;
  assert.equal(codeOf(await openKms(config, deps)), "root-key-refused");
  const made = await createKms(config, deps);
  assert.ok(made.ok);
  const wrapped = await made.value.wrap(kek, "context");
  assert.ok(wrapped.ok);
  assert.equal(codeOf(await createKms(config, deps)), "root-key-refused");
  const opened = await openKms(config, deps);
  assert.ok(opened.ok);
  assert.deepEqual(await opened.value.unwrap(wrapped.value, "context"), { ok: true, value: kek });
});

test("a key in a PKCS#11 token is made and opened by its choice", noSoftHsm, async (t) => {
  const deps = await depsOf(t);
  const config = await testToken(t);
  assert.equal(codeOf(await openKms(config, deps)), "root-key-refused");
  for (const open of [createKms, openKms]) {
    const kms = await open(config, deps);
    assert.ok(kms.ok);
    assert.equal(kms.value.name, "pkcs11");
    await kms.value.close();
  }
});

test("a service that does not let us in is known when it is chosen, not at the next start", async (t) => {
  const service = await fakeVault(t);
  const tokenFile = join(await testFolder(t), "token");
  const config = parseKmsConfig({
    kind: "vault",
    address: service.origin,
    key: "phylax-root",
    tokenFile,
  });
  assert.ok(config !== null);
  const deps = { ...(await depsOf(t)), tools: service.tools };
  await writeFile(tokenFile, "hvs.stranger", { mode: 0o600 });
  const refused = await createKms(config, deps);
  assert.equal(codeOf(refused), "key-unavailable");
});

test("a service that lets us in is chosen", async (t) => {
  const service = await fakeVault(t);
  const tokenFile = join(await testFolder(t), "token");
  await writeFile(tokenFile, vaultToken, { mode: 0o600 });
  const choice = { kind: "vault", address: service.origin, key: "phylax-root", tokenFile };
  const config = parseKmsConfig(choice);
  assert.ok(config !== null);
  const kms = await createKms(config, { ...(await depsOf(t)), tools: service.tools });
  assert.ok(kms.ok);
  assert.equal(kms.value.name, "vault");
});

test("a KMS that unwraps something else is closed and refused", async () => {
  let isClosed = false;
  const kms: Kms = {
    name: "liar",
    wrap: (given) => Promise.resolve(ok(given)),
    unwrap: () => Promise.resolve(ok(Buffer.alloc(32))),
    describe: () => "lies",
    close: () => {
      isClosed = true;
      return Promise.resolve();
    },
  };
  assert.equal(codeOf(await proven(kms, { random })), "root-key-refused");
  assert.ok(isClosed);
});
