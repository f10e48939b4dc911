import assert from "node:assert/strict";
import { chmod, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import {
  createRing,
  layRing,
  openRing,
  type MoveRecord,
  type RingDeps,
  type RingKeeper,
} from "#keys/ring-keeper.ts";
import { wrappedKeyBytes } from "#keys/ring.ts";
import { testKms, type TestKms } from "#keys/testing-kms.ts";
import { testFolder } from "#keys/testing.ts";

const name = { tenant: "tenant", compartment: "compartment", dekVersion: 1 };
const noRecord: MoveRecord = { begin: async () => {}, end: async () => {} };

interface Laid {
  readonly deps: RingDeps;
  readonly kms: TestKms;
  readonly keeper: RingKeeper;
}

async function laidRing(t: TestContext): Promise<Laid> {
  const kms = testKms("first");
  const path = join(await testFolder(t), "ring.json");
  const deps = { path, kms, random: systemRandom, clock: systemClock };
  const keeper = await createRing(deps);
  assert.ok(keeper.ok);
  return { deps, kms, keeper: keeper.value };
}

const epochsOf = (keeper: RingKeeper): readonly number[] =>
  keeper.current().epochs.map(({ epoch }) => epoch);

const codeOf = (result: Awaited<ReturnType<RingKeeper["startEpoch"]>>): string =>
  result.ok ? "done" : result.problem.code;

test("a key wrapped anew comes under the newest epoch and opens to the same bytes", async (t) => {
  const { keeper } = await laidRing(t);
  const key = systemRandom.bytes(32);
  const old = keeper.current().wrap(name, key);
  assert.ok((await keeper.startEpoch()).ok);
  const anew = Buffer.alloc(wrappedKeyBytes);
  const rewrap = keeper.current().rewrapper(old.tenant, 1);
  assert.equal(rewrap(old, Buffer.from(old.wrapped, "base64url"), anew), null);
  const young = { ...old, kekEpoch: 2, wrapped: anew.toString("base64url") };
  assert.deepEqual(keeper.current().unwrap(young), { ok: true, key });
});

test("a damaged key is not wrapped anew, nor one of an epoch that is gone", async (t) => {
  const { keeper } = await laidRing(t);
  const wrapped = keeper.current().wrap(name, systemRandom.bytes(32));
  const ring = keeper.current();
  const sealed = Buffer.from(wrapped.wrapped, "base64url");
  const rewrap = ring.rewrapper(wrapped.tenant, 4);
  const anew = Buffer.alloc(wrappedKeyBytes);
  assert.equal(
    rewrap({ ...wrapped, compartment: "another, longer than the first" }, sealed, anew),
    "damaged",
  );
  assert.equal(rewrap({ ...wrapped, kekEpoch: 9 }, sealed, anew), "wrong-epoch");
  assert.equal(ring.rewrapper("another tenant", 1)(wrapped, sealed, anew), "damaged");
  assert.deepEqual(anew, Buffer.alloc(wrappedKeyBytes));
  assert.equal(rewrap(wrapped, sealed, anew), null);
});

test("after retirement the older epochs open nothing any more, not even after a restart", async (t) => {
  const { deps, keeper } = await laidRing(t);
  const old = keeper.current().wrap(name, systemRandom.bytes(32));
  await keeper.startEpoch();
  await keeper.startEpoch();
  assert.equal(codeOf(await keeper.retireEpochs(3)), "done");
  assert.deepEqual(epochsOf(keeper), [3]);
  assert.deepEqual(keeper.current().unwrap(old), { ok: false, code: "wrong-epoch" });
  const again = await openRing(deps);
  assert.ok(again.ok);
  assert.deepEqual(epochsOf(again.value), [3]);
});

test("retiring twice is done at once the second time; the newest epoch is never retired", async (t) => {
  const { keeper } = await laidRing(t);
  await keeper.startEpoch();
  assert.equal(codeOf(await keeper.retireEpochs(2)), "done");
  assert.equal(codeOf(await keeper.retireEpochs(2)), "done");
  assert.equal(codeOf(await keeper.retireEpochs(3)), "parameter-invalid");
  assert.deepEqual(epochsOf(keeper), [2]);
});

test("the number of a retired epoch is never given again", async (t) => {
  const { keeper } = await laidRing(t);
  await keeper.startEpoch();
  await keeper.retireEpochs(2);
  await keeper.startEpoch();
  assert.deepEqual(epochsOf(keeper), [2, 3]);
});

test("what the replaced ring file held is overwritten where it lay", async (t) => {
  const { deps, keeper } = await laidRing(t);
  const old = await open(deps.path, "r");
  t.after(() => old.close());
  const size = (await old.stat()).size;
  await keeper.startEpoch();
  const { buffer } = await old.read(Buffer.alloc(size), 0, size, 0);
  assert.deepEqual(buffer, Buffer.alloc(size));
});

test("a KMS that is down lets no epoch start, and what is open goes on", async (t) => {
  const { deps, kms, keeper } = await laidRing(t);
  const text = await readFile(deps.path, "utf8");
  const key = systemRandom.bytes(32);
  const wrapped = keeper.current().wrap(name, key);
  kms.state = "down";
  assert.equal(codeOf(await keeper.startEpoch()), "key-unavailable");
  assert.deepEqual(keeper.current().unwrap(wrapped), { ok: true, key });
  assert.equal(await readFile(deps.path, "utf8"), text);
  kms.state = "up";
  assert.equal(codeOf(await keeper.startEpoch()), "done");
});

test("a KMS that is down at the start gives its own problem, not that of a damaged ring", async (t) => {
  const { deps, kms } = await laidRing(t);
  kms.state = "down";
  const opened = await openRing(deps);
  assert.ok(!opened.ok);
  assert.equal(opened.problem.code, "key-unavailable");
});

test("while a slow KMS is asked, keys unwrap, and a second change is refused", async (t) => {
  const { kms, keeper } = await laidRing(t);
  const key = systemRandom.bytes(32);
  const wrapped = keeper.current().wrap(name, key);
  let answer = (): void => {};
  kms.gate = new Promise((resolve) => {
    answer = resolve;
  });
  const first = keeper.startEpoch();
  assert.equal(codeOf(await keeper.startEpoch()), "key-work-running");
  assert.equal(codeOf(await keeper.retireEpochs(1)), "key-work-running");
  assert.deepEqual(keeper.current().unwrap(wrapped), { ok: true, key });
  answer();
  assert.equal(codeOf(await first), "done");
  assert.deepEqual(epochsOf(keeper), [1, 2]);
});

test("moved to another KMS the same epochs open there, and the one before is closed", async (t) => {
  const { deps, kms, keeper } = await laidRing(t);
  await keeper.startEpoch();
  const key = systemRandom.bytes(32);
  const wrapped = keeper.current().wrap(name, key);
  const second = testKms("second");
  assert.equal(codeOf(await keeper.moveTo(second, noRecord)), "done");
  assert.ok(kms.closed && !second.closed);
  assert.equal(keeper.current().kms, "second");
  const again = await openRing({ ...deps, kms: second });
  assert.ok(again.ok);
  assert.deepEqual(epochsOf(again.value), [1, 2]);
  assert.deepEqual(again.value.current().unwrap(wrapped), { ok: true, key });
  assert.ok(!(await openRing(deps)).ok);
});

test("a KMS that is down or gives back another key gets nothing moved to it", async (t) => {
  const { deps, kms, keeper } = await laidRing(t);
  const text = await readFile(deps.path, "utf8");
  const second = testKms("second");
  second.state = "down";
  assert.equal(codeOf(await keeper.moveTo(second, noRecord)), "key-unavailable");
  second.state = "lies";
  assert.equal(codeOf(await keeper.moveTo(second, noRecord)), "root-key-refused");
  assert.equal(await readFile(deps.path, "utf8"), text);
  assert.equal(keeper.current().kms, "first");
  assert.ok(!kms.closed);
});

test("a ring that cannot be written stays as it is, in memory and on disk", async (t) => {
  const { deps, keeper } = await laidRing(t);
  // A folder where the new file would lie: nobody, not even root, can write that.
  await mkdir(`${deps.path}.new`);
  assert.equal(codeOf(await keeper.startEpoch()), "storage-unavailable");
  assert.deepEqual(epochsOf(keeper), [1]);
  await rm(`${deps.path}.new`, { recursive: true });
  assert.equal(codeOf(await keeper.startEpoch()), "done");
  assert.ok((await openRing(deps)).ok);
});

test("a ring file that somebody put back meanwhile is not overwritten", async (t) => {
  const { deps, keeper } = await laidRing(t);
  const old = await readFile(deps.path, "utf8");
  await keeper.startEpoch();
  await writeFile(deps.path, old);
  assert.equal(codeOf(await keeper.startEpoch()), "key-ring-refused");
  assert.equal(await readFile(deps.path, "utf8"), old);
});

test("a ring lent bare opens what it wrapped when laid under another KMS, and is wiped after", async (t) => {
  const { deps, keeper } = await laidRing(t);
  await keeper.startEpoch();
  const key = systemRandom.bytes(32);
  const wrapped = keeper.current().wrap(name, key);
  const path = join(dirname(deps.path), "escrowed.json");
  const [laid, bare] = await keeper.lend(async (ring) => [
    await layRing({ ...deps, path, kms: testKms("other") }, ring),
    ring,
  ]);
  assert.ok(laid.ok);
  assert.deepEqual(laid.value.current().unwrap(wrapped), { ok: true, key });
  assert.ok(bare.epochs.length === 2);
  for (const { kek } of bare.epochs) assert.deepEqual(kek, Buffer.alloc(32));
});

test("a ring file opened to others while it was replaced is refused at the next change", async (t) => {
  const { deps, keeper } = await laidRing(t);
  await chmod(deps.path, 0o644);
  assert.equal(codeOf(await keeper.startEpoch()), "key-ring-refused");
  await rename(deps.path, `${deps.path}.gone`);
  assert.equal(codeOf(await keeper.startEpoch()), "key-ring-refused");
});
