import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
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
    assert.deepEqual(one.cost, passwordCost());
    assert.equal(one.cost.kdf, "argon2id");
  });

  test("is still checked with the parameters it was hashed with", async () => {
    const stored = await hashPassword("correct horse battery", systemRandom);
    assert.equal(
      await check("correct horse battery", { ...stored, cost: { ...stored.cost, passes: 1 } }),
      false,
    );
  });

  test("is turned away when too many are being hashed", async () => {
    const busy = createCheckPassword(async () => null);
    assert.equal(await busy("correct horse battery", null), null);
  });

  test("in FIPS mode is hashed and checked with PBKDF2", async () => {
    const cost = passwordCost(true);
    assert.equal(cost.kdf, "pbkdf2-hmac-sha-512");
    const stored = await hashPassword("correct horse battery", systemRandom, cost);
    const { hash, salt } = stored;
    assert.deepEqual(hash, pbkdf2Sync("correct horse battery", salt, 210_000, 32, "sha512"));
    const checkApproved = createCheckPassword(open, true);
    assert.equal(await checkApproved("correct horse battery", stored), true);
    assert.equal(await checkApproved("correct horse batterY", stored), false);
    assert.equal(await check("correct horse battery", stored), true);
  });

  test("in FIPS mode is wrong where its hash is of argon2id, as it cannot be checked", async () => {
    const stored = await hashPassword("correct horse battery", systemRandom);
    const checkApproved = createCheckPassword(open, true);
    assert.equal(await checkApproved("correct horse battery", stored), false);
    assert.equal(await checkApproved("correct horse battery", null), false);
  });
});
