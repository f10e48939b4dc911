import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { systemRandom } from "#core/random.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { cka, ckr } from "#keys/kms/pkcs11/constants.ts";
import { loadModule } from "#keys/kms/pkcs11/native.ts";
import { openPkcs11Kms, parsePkcs11Config, type Pkcs11Config } from "#keys/kms/pkcs11/pkcs11.ts";
import { number, templateOf } from "#keys/kms/pkcs11/template.ts";
import { findKey, openSession } from "#keys/kms/pkcs11/token.ts";
import { noSoftHsm, testPin, testToken } from "#keys/kms/testing-hsm.ts";
import { testFolder } from "#keys/testing.ts";

const random = systemRandom;
const kek = Buffer.alloc(32, 7);

async function open(t: TestContext, config: Pkcs11Config, make = false): Promise<Kms> {
  const kms = await openPkcs11Kms(config, { random, make });
  assert.ok(kms.ok, kms.ok ? "" : kms.problem.detail);
  t.after(() => kms.value.close());
  return kms.value;
}

async function refusal(config: Pkcs11Config, make = false): Promise<string> {
  const kms = await openPkcs11Kms(config, { random, make });
  assert.ok(!kms.ok);
  return `${kms.problem.code}: ${kms.problem.detail ?? ""}`;
}

async function wrapped(kms: Kms, context: string): Promise<Buffer> {
  const result = await kms.wrap(kek, context);
  assert.ok(result.ok, result.ok ? "" : result.problem.detail);
  return result.value;
}

test("a key made in the token unwraps after it was opened anew", noSoftHsm, async (t) => {
  const config = await testToken(t);
  const first = await open(t, config, true);
  const sealed = await wrapped(first, "context");
  assert.ok(!sealed.includes(kek));
  await first.close();
  const second = await open(t, config);
  assert.deepEqual(await second.unwrap(sealed, "context"), { ok: true, value: kek });
});

test("another context, another token and any changed byte are refused", noSoftHsm, async (t) => {
  const kms = await open(t, await testToken(t), true);
  const other = await open(t, await testToken(t), true);
  const sealed = await wrapped(kms, "context");
  const changed = [0, 12, 40, sealed.length - 1].map((at) => {
    const copy = Buffer.from(sealed);
    copy.writeUInt8((copy[at] ?? 0) ^ 1, at);
    return kms.unwrap(copy, "context");
  });
  const tries = [
    kms.unwrap(sealed, "another context"),
    other.unwrap(sealed, "context"),
    kms.unwrap(sealed.subarray(0, 20), "context"),
    kms.unwrap(Buffer.alloc(2_000), "context"),
    ...changed,
  ];
  for (const result of await Promise.all(tries)) {
    assert.ok(!result.ok);
    assert.equal(result.problem.code, "root-key-refused");
  }
  assert.ok((await kms.unwrap(sealed, "context")).ok);
});

test("many keys at once each get their own answer", noSoftHsm, async (t) => {
  const kms = await open(t, await testToken(t), true);
  const keks = Array.from({ length: 600 }, () => random.bytes(32));
  const sealed = await Promise.all(keks.map((one, i) => kms.wrap(one, `context ${i}`)));
  const opened = await Promise.all(
    sealed.map(async (one, i) => (one.ok ? kms.unwrap(one.value, `context ${i}`) : one)),
  );
  assert.deepEqual(
    opened.map((one) => (one.ok ? one.value : null)),
    keks,
  );
});

test("the module does not give the root key's value out", noSoftHsm, async (t) => {
  const config = await testToken(t);
  await open(t, config, true);
  const native = loadModule(config.module);
  assert.ok(typeof native !== "string");
  const session = openSession(native, { ...config, pin: testPin });
  assert.ok(session.ok);
  t.after(() => native.cryptoki.closeSession(session.value));
  const key = findKey(native, session.value, config.key);
  assert.ok(key.ok);
  const value = templateOf(native, [[0x11n, Buffer.alloc(32)]]);
  const attributeSensitive = 0x11;
  assert.equal(
    native.cryptoki.getAttributeValue(session.value, key.value, value.bytes, value.count),
    attributeSensitive,
  );
  assert.ok(value.values[0]?.every((byte) => byte === 0));
});

test("a session that the module has forgotten is opened anew", noSoftHsm, async (t) => {
  const config = await testToken(t);
  const kms = await open(t, config, true);
  const sealed = await wrapped(kms, "context");
  const native = loadModule(config.module);
  assert.ok(typeof native !== "string");
  const handles = Array.from({ length: 100 }, (_, i) => BigInt(i));
  const closed = handles.filter((handle) => native.cryptoki.closeSession(handle) === ckr.ok);
  assert.ok(closed.length > 0, "no session was there to be closed");
  assert.deepEqual(await kms.unwrap(sealed, "context"), { ok: true, value: kek });
});

test("a key that can be taken out of the token is refused", noSoftHsm, async (t) => {
  const config = await testToken(t);
  const native = loadModule(config.module);
  assert.ok(typeof native !== "string");
  const session = openSession(native, { ...config, pin: testPin });
  assert.ok(session.ok);
  t.after(() => native.cryptoki.closeSession(session.value));
  const how = Buffer.from(new ArrayBuffer(24));
  how.writeBigUInt64LE(0x1080n);
  const attributes = templateOf(native, [
    [cka.class, number(4n)],
    [cka.keyType, number(0x1fn)],
    [cka.valueLen, number(32n)],
    [cka.token, Buffer.from([1])],
    [cka.extractable, Buffer.from([1])],
    [cka.label, Buffer.from(config.key)],
  ]);
  const made = number();
  const { cryptoki } = native;
  assert.equal(
    cryptoki.generateKey(session.value, how, attributes.bytes, attributes.count, made),
    0,
  );
  assert.match(await refusal(config), /^root-key-refused: .*not extractable/);
});

test("a wrong PIN, token or key is refused, each by its name", noSoftHsm, async (t) => {
  const config = await testToken(t);
  assert.match(await refusal(config), /no secret key "phylax-root"/);
  assert.match(await refusal({ ...config, token: "none" }), /no token "none"/);
  const pinFile = join(await testFolder(t), "pin");
  await writeFile(pinFile, "000000", { mode: 0o600 });
  assert.match(await refusal({ ...config, pinFile }), /does not accept the PIN/);
  await chmod(pinFile, 0o644);
  assert.match(await refusal({ ...config, pinFile }), /chmod 600/);
  assert.match(await refusal({ ...config, pinFile: "/nowhere/pin" }), /no PIN file/);
});

test("a second root key of one label is never made", noSoftHsm, async (t) => {
  const config = await testToken(t);
  await open(t, config, true);
  assert.match(await refusal(config, true), /^root-key-refused: .*already/);
});

test("a module that is not there is unavailable, not a wrong key", async (t) => {
  const pinFile = join(await testFolder(t), "pin");
  await writeFile(pinFile, "1", { mode: 0o600 });
  const config = { kind: "pkcs11", module: "/nowhere.so", token: "t", key: "k", pinFile } as const;
  assert.match(await refusal(config), /^key-unavailable: .*cannot be loaded/);
});

test("a choice with a relative module, an overlong label or a PIN in it is none", () => {
  const good = { kind: "pkcs11", module: "/m.so", token: "t", key: "k", pinFile: "/pin" };
  assert.deepEqual(parsePkcs11Config(good), good);
  const bad = [
    { ...good, module: "m.so" },
    { ...good, token: "t".repeat(33) },
    { ...good, pin: "1234" },
    { ...good, pinFile: undefined },
  ];
  for (const value of bad) assert.equal(parsePkcs11Config(value), null);
});
