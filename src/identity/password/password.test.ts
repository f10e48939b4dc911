import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { systemRandom } from "#core/random.ts";
import { createGate, type Gate } from "#identity/gate.ts";
import { createCheckPassword, hashPassword, passwordCost } from "#identity/password/password.ts";

const open: Gate = createGate({ atOnce: 1, waiting: 10 });
const check = createCheckPassword(open);

suite("a password", () => {
  test("is checked against its hash", async () => {
    const stored = await hashPassword("correct horse battery", systemRandom);
    assert.equal(await check("correct horse battery", stored), true);
    assert.equal(await check("correct horse batterY", stored), false);
    assert.equal(await check("", stored), false);
  });

  test("is one, however its characters were typed", async () => {
    const stored = await hashPassword("caf\u00e9 au lait, long", systemRandom);
    assert.equal(await check("cafe\u0301 au lait, long", stored), true);
  });

  test("of nobody is wrong, whatever it is", async () => {
    assert.equal(await check("correct horse battery", null), false);
  });

  test("hashed twice gives two hashes, each with its parameters", async () => {
    const one = await hashPassword("correct horse battery", systemRandom);
    const other = await hashPassword("correct horse battery", systemRandom);
    assert.ok(!one.hash.equals(other.hash));
    assert.equal(one.hash.length, 32);
    const { memoryKib, passes, lanes } = one;
    assert.deepEqual({ memoryKib, passes, lanes }, passwordCost);
  });

  test("is still checked with the parameters it was hashed with", async () => {
    const stored = await hashPassword("correct horse battery", systemRandom);
    assert.equal(await check("correct horse battery", { ...stored, passes: 1 }), false);
  });

  test("is turned away when too many are being hashed", async () => {
    const busy = createCheckPassword(async () => null);
    assert.equal(await busy("correct horse battery", null), null);
  });
});
