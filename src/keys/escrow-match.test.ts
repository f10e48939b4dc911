import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import type { EscrowedRing } from "#keys/escrow-contents.ts";
import { makeEscrowIdentity, openEscrow, sealForEscrow } from "#keys/escrow.ts";
import { matchRing } from "#keys/escrow-match.ts";
import { createFileKms } from "#keys/kms/file.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { createRing, layRing, openRing, type RingKeeper } from "#keys/ring-keeper.ts";
import { cheapCost, testFolder, testPassphrase } from "#keys/testing.ts";

const name = { tenant: "t", compartment: "c", dekVersion: 1 };
const from = { random: systemRandom, clock: systemClock };

async function placeOf(t: TestContext): Promise<{ kms: Kms; path: string }> {
  const folder = join(await testFolder(t), "keys");
  await mkdir(folder, { mode: 0o700 });
  const path = join(folder, "root.key");
  const passphrase = testPassphrase;
  const kms = await createFileKms({ path, passphrase, random: systemRandom }, cheapCost);
  return {
    kms: kms.ok ? kms.value : assert.fail(kms.problem.code),
    path: join(folder, "key-ring.json"),
  };
}

async function freshRing(t: TestContext): Promise<RingKeeper> {
  const ring = await createRing({ ...(await placeOf(t)), ...from });
  return ring.ok ? ring.value : assert.fail(ring.problem.code);
}

async function escrowOf(keeper: RingKeeper): Promise<EscrowedRing> {
  const { identity, recipient } = await makeEscrowIdentity();
  const sealed = await keeper.lend((ring) => sealForEscrow(ring, recipient));
  assert.ok(sealed.ok);
  const opened = await openEscrow(sealed.value, identity);
  return opened.ok ? opened.value : assert.fail(opened.problem.code);
}

suite("a ring that comes back from escrow", () => {
  test("unwraps under another root key what the old one wrapped in any epoch", async (t) => {
    const old = await freshRing(t);
    const key = systemRandom.bytes(32);
    const first = old.current().wrap(name, key);
    assert.ok((await old.startEpoch()).ok);
    const second = old.current().wrap(name, key);

    const place = await placeOf(t);
    assert.ok((await layRing({ ...place, ...from }, await escrowOf(old))).ok);
    const restored = await openRing({ ...place, ...from });
    assert.ok(restored.ok);
    const ring = restored.value.current();
    assert.deepEqual(ring.epochs, old.current().epochs);
    assert.deepEqual(ring.unwrap(first), { ok: true, key });
    assert.deepEqual(ring.unwrap(second), { ok: true, key });
  });
});

suite("an escrow beside the running ring", () => {
  test("is current when it holds the very keys", async (t) => {
    const keeper = await freshRing(t);
    const match = matchRing(await escrowOf(keeper), keeper.file());
    assert.deepEqual(match, { current: true, missing: [], destroyed: [] });
  });

  test("lacks the epoch that was started since", async (t) => {
    const keeper = await freshRing(t);
    const escrow = await escrowOf(keeper);
    await keeper.startEpoch();
    const match = matchRing(escrow, keeper.file());
    assert.deepEqual(match, { current: false, missing: [2], destroyed: [] });
  });

  test("is told to outlive an epoch that the ring destroyed", async (t) => {
    const keeper = await freshRing(t);
    await keeper.startEpoch();
    const escrow = await escrowOf(keeper);
    await keeper.retireEpochs(2);
    const match = matchRing(escrow, keeper.file());
    assert.deepEqual(match, { current: true, missing: [], destroyed: [1] });
  });

  test("with the right names but another key, or of another ring, is not current", async (t) => {
    const keeper = await freshRing(t);
    const right = await escrowOf(keeper);
    const otherKey = right.epochs.map((epoch) => ({ ...epoch, kek: systemRandom.bytes(32) }));
    assert.equal(matchRing({ ...right, epochs: otherKey }, keeper.file())?.current, false);
    const otherRing = { ...right, ring: systemRandom.uuid() };
    assert.equal(matchRing(otherRing, keeper.file())?.current, false);
    assert.equal(matchRing(right, "{}"), null);
  });
});
