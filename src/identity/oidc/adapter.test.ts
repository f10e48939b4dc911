import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import type { AdapterFactory } from "oidc-provider";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { BrokenInvariant } from "#core/result.ts";
import { createBlind } from "#identity/blind.ts";
import { createAdapter } from "#identity/oidc/adapter.ts";
import { sweep } from "#identity/sweep-store.ts";
import type { Database } from "#storage/database.ts";
import { testDatabase } from "#storage/testing.ts";
import { createSealer } from "#vault/sealer.ts";
import { systemRun } from "#vault/run-watch.ts";

async function build(t: TestContext): Promise<{ db: Database; adapter: AdapterFactory }> {
  const db = (await testDatabase(t)).as("phylax_identity");
  const sealer = createSealer({ key: systemRandom.bytes(32), random: systemRandom, ...systemRun });
  const blind = createBlind(systemRandom.bytes(32));
  return { db, adapter: createAdapter({ db, sealer, blind, clock: systemClock }) };
}

suite("what the OpenID provider keeps", () => {
  test("is found by its id in its own model, until it is dropped", async (t) => {
    const { adapter } = await build(t);
    const [sessions, codes] = [adapter("Session"), adapter("AuthorizationCode")];
    await sessions.upsert("one", { jti: "one", uid: "u", accountId: "ana" }, 60);
    assert.equal((await sessions.find("one"))?.accountId, "ana");
    assert.equal((await sessions.findByUid("u"))?.accountId, "ana");
    assert.equal(await codes.find("one"), undefined);
    assert.equal(await sessions.find("two"), undefined);
    await sessions.upsert("one", { jti: "one", uid: "u", accountId: "bo" }, 60);
    assert.equal((await sessions.find("one"))?.accountId, "bo");
    await sessions.destroy("one");
    assert.equal(await sessions.find("one"), undefined);
  });

  test("is found by its user code", async (t) => {
    const { adapter } = await build(t);
    const codes = adapter("DeviceCode");
    await codes.upsert("one", { jti: "one", userCode: "ABCD" }, 60);
    assert.equal((await codes.findByUserCode("ABCD"))?.jti, "one");
    assert.equal(await codes.findByUserCode("ABCE"), undefined);
  });

  test("is gone once expired, and the sweep takes the row away", async (t) => {
    const { db, adapter } = await build(t);
    const codes = adapter("AuthorizationCode");
    await codes.upsert("old", { jti: "old" }, 0);
    await codes.upsert("new", { jti: "new" }, 60);
    assert.equal(await codes.find("old"), undefined);
    assert.equal(await sweep(db, systemClock.now()), 1);
    assert.equal(await sweep(db, systemClock.now()), 0);
    assert.equal((await codes.find("new"))?.jti, "new");
  });

  test("tells that a code was used, and lets it be used once", async (t) => {
    const { adapter } = await build(t);
    const codes = adapter("AuthorizationCode");
    await codes.upsert("one", { jti: "one", grantId: "g" }, 60);
    await codes.consume("one");
    assert.equal(typeof (await codes.find("one"))?.consumed, "number");
    await adapter("RefreshToken").upsert("two", { jti: "two", grantId: "g" }, 60);
    await assert.rejects(async () => codes.consume("one"), { error: "invalid_grant" });
    assert.equal(await codes.find("one"), undefined, "the grant's codes are revoked");
    assert.equal(await adapter("RefreshToken").find("two"), undefined, "and its tokens");
  });

  test("is revoked by its grant, and nothing of another grant", async (t) => {
    const { adapter } = await build(t);
    const tokens = adapter("RefreshToken");
    await tokens.upsert("one", { jti: "one", grantId: "g" }, 60);
    await tokens.upsert("two", { jti: "two", grantId: "h" }, 60);
    await tokens.revokeByGrantId("g");
    assert.equal(await tokens.find("one"), undefined);
    assert.equal((await tokens.find("two"))?.jti, "two");
  });

  test("takes the id of a proof once, also from many at once", async (t) => {
    const { adapter } = await build(t);
    const proofs = adapter("ReplayDetection");
    const put = () => proofs.upsert("p", { jti: "p" }, 60);
    const results = await Promise.allSettled([put(), put(), put(), put()]);
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await proofs.find("p"))?.jti, "p", "a later one is told so before it writes");
    await proofs.upsert("q", { jti: "q" }, 0);
    assert.equal(await proofs.find("q"), undefined, "one that ended is forgotten");
    await proofs.upsert("q", { jti: "q" }, 60);
  });

  test("shows neither ids nor payloads in the database", async (t) => {
    const { db, adapter } = await build(t);
    const payload = { jti: "bearer-id", uid: "the-uid", grantId: "the-grant", accountId: "ana" };
    await adapter("RefreshToken").upsert("bearer-id", payload, 60);
    const rows = await db.query<Record<string, unknown>>("SELECT * FROM identity.oidc");
    assert.equal(rows.length, 1);
    const bytes = Object.values(rows[0] ?? {})
      .map((value) => (Buffer.isBuffer(value) ? value.toString("latin1") : String(value)))
      .join("\n");
    assert.doesNotMatch(bytes, /bearer-id|the-uid|the-grant|ana/);
  });

  test("does not open when its payload was moved to another row or changed", async (t) => {
    const { db, adapter } = await build(t);
    const tokens = adapter("RefreshToken");
    await tokens.upsert("hers", { jti: "hers", accountId: "ana" }, 60);
    await tokens.upsert("his", { jti: "his", accountId: "bo" }, 60);
    await db.query("UPDATE identity.oidc SET sealed = (SELECT min(sealed) FROM identity.oidc)");
    const found = await Promise.allSettled([tokens.find("hers"), tokens.find("his")]);
    const opened = found.filter(({ status }) => status === "fulfilled");
    assert.equal(opened.length, 1);
    await db.query("UPDATE identity.oidc SET sealed = sealed || '\\x00'::bytea");
    await assert.rejects(async () => tokens.find("hers"), BrokenInvariant);
  });
});
