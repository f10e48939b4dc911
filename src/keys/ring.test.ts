import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import * as fc from "fast-check";
import { systemClock } from "#core/clock.ts";
import type { WrappedKey } from "#core/key-wire.ts";
import { systemRandom } from "#core/random.ts";
import { createFileKms } from "#keys/kms/file.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { createRing, openRing, type RingDeps, type RingKeeper } from "#keys/ring-keeper.ts";
import { cheapCost, testFolder, testPassphrase, testRing } from "#keys/testing.ts";

const random = systemRandom;
const clock = systemClock;
const name = { tenant: "tenant", compartment: "compartment", dekVersion: 1 };

async function rootKey(t: TestContext): Promise<Kms> {
  const path = join(await testFolder(t), "root.key");
  const kms = await createFileKms({ path, passphrase: testPassphrase, random }, cheapCost);
  assert.ok(kms.ok);
  return kms.value;
}

interface Laid {
  readonly deps: RingDeps;
  readonly keeper: RingKeeper;
}

async function laidRing(t: TestContext): Promise<Laid> {
  const deps = {
    path: join(await testFolder(t), "ring.json"),
    kms: await rootKey(t),
    random,
    clock,
  };
  const ring = await createRing(deps);
  assert.ok(ring.ok);
  return { deps, keeper: ring.value };
}

async function refusal(deps: Laid["deps"]): Promise<string> {
  const ring = await openRing(deps);
  assert.ok(!ring.ok);
  assert.equal(ring.problem.code, "key-ring-refused");
  return ring.problem.detail ?? "";
}

test("a data key wrapped before a restart unwraps after it", async (t) => {
  const { deps, keeper } = await laidRing(t);
  const wrapped = keeper.current().wrap(name, Buffer.alloc(32, 9));
  const again = await openRing(deps);
  assert.ok(again.ok);
  assert.deepEqual(again.value.current().unwrap(wrapped), { ok: true, key: Buffer.alloc(32, 9) });
});

test("the ring file is for its owner only and no half-written neighbour stays", async (t) => {
  const { deps } = await laidRing(t);
  assert.equal((await stat(deps.path)).mode & 0o777, 0o600);
  await assert.rejects(stat(`${deps.path}.new`), { code: "ENOENT" });
});

test("after a new epoch both unwrap, and new keys are wrapped under the new one", async (t) => {
  const { deps, keeper } = await laidRing(t);
  const ring = keeper.current();
  const old = ring.wrap(name, Buffer.alloc(32, 1));
  assert.ok((await keeper.startEpoch()).ok);
  const reopened = await openRing(deps);
  assert.ok(reopened.ok);
  const both = reopened.value.current();
  const young = both.wrap(name, Buffer.alloc(32, 2));
  assert.deepEqual([old.kekEpoch, young.kekEpoch], [1, 2]);
  assert.ok(both.unwrap(old).ok);
  assert.ok(both.unwrap(young).ok);
  assert.deepEqual(ring.unwrap(young), { ok: false, code: "wrong-epoch" });
});

const swaps: Record<string, (key: WrappedKey) => WrappedKey> = {
  "another patient's place": (key) => ({ ...key, compartment: "another" }),
  "another tenant's place": (key) => ({ ...key, tenant: "another" }),
  "another version's place": (key) => ({ ...key, dekVersion: 2 }),
  "a place with another commitment": (key) => ({
    ...key,
    commitment: Buffer.alloc(32).toString("base64url"),
  }),
};

for (const [place, swap] of Object.entries(swaps)) {
  test(`a wrapped key moved to ${place} does not unwrap`, async (t) => {
    const ring = await testRing(t);
    const wrapped = ring.wrap(name, random.bytes(32));
    assert.deepEqual(ring.unwrap(swap(wrapped)), { ok: false, code: "damaged" });
  });
}

test("a key wrapped under one epoch does not unwrap as if under another", async (t) => {
  const { keeper } = await laidRing(t);
  const wrapped = keeper.current().wrap(name, random.bytes(32));
  const both = await keeper.startEpoch();
  assert.ok(both.ok);
  assert.deepEqual(both.value.unwrap({ ...wrapped, kekEpoch: 2 }), { ok: false, code: "damaged" });
});

test("every key comes back as it was wrapped, and with one bit flipped not at all", async (t) => {
  const ring = await testRing(t);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.nat({ max: 60 * 8 - 1 }),
      (bytes, bit) => {
        const key = Buffer.from(bytes);
        const wrapped = ring.wrap(name, Buffer.from(key));
        assert.deepEqual(ring.unwrap(wrapped), { ok: true, key });
        const altered = Buffer.from(wrapped.wrapped, "base64url");
        altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const flipped = { ...wrapped, wrapped: altered.toString("base64url") };
        assert.deepEqual(ring.unwrap(flipped), { ok: false, code: "damaged" });
      },
    ),
  );
});

interface RingJson {
  ring: string;
  kms: string;
  epochs: { epoch: number; createdAt: string; wrapped: string }[];
  seal: string;
  [name: string]: unknown;
}

const tampers: Record<string, (file: RingJson) => void> = {
  "an epoch left out": (file) => file.epochs.splice(0, 1),
  "the newest epoch left out": (file) => file.epochs.splice(1, 1),
  "two epochs exchanged": (file) => {
    const wrapped = file.epochs.map((epoch) => epoch.wrapped).toReversed();
    file.epochs.forEach((epoch, i) => (epoch.wrapped = wrapped[i] ?? ""));
  },
  "epochs out of order": (file) => (file.epochs = file.epochs.toReversed()),
  "another date": (file) => file.epochs.forEach((e) => (e.createdAt = "2001-01-01T00:00:00.000Z")),
  "another name": (file) => (file.ring = random.uuid()),
  "another seal": (file) => (file.seal = Buffer.alloc(32).toString("base64url")),
  "no epochs": (file) => (file.epochs = []),
  "an unknown key": (file) => (file["more"] = true),
  "another KMS named": (file) => (file.kms = "pkcs11"),
};

for (const [name, tamper] of Object.entries(tampers)) {
  test(`a key ring with ${name} is refused`, async (t) => {
    const { deps, keeper } = await laidRing(t);
    assert.ok((await keeper.startEpoch()).ok);
    const file = JSON.parse(await readFile(deps.path, "utf8")) as RingJson;
    tamper(file);
    await writeFile(deps.path, JSON.stringify(file));
    await refusal(deps);
  });
}

test("a ring of another root key is refused by the epoch that does not open", async (t) => {
  const { deps } = await laidRing(t);
  const detail = await refusal({ ...deps, kms: await rootKey(t) });
  assert.equal(detail, "epoch 1 does not open under this root key");
});

test("a missing, cut or empty ring file is refused, not made anew", async (t) => {
  const { deps } = await laidRing(t);
  const text = await readFile(deps.path, "utf8");
  await writeFile(deps.path, text.slice(0, 100));
  await refusal(deps);
  await writeFile(deps.path, "");
  await refusal(deps);
  assert.match(await refusal({ ...deps, path: `${deps.path}.gone` }), /no key ring file/);
});
