import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { systemClock, laterBy } from "#core/clock.ts";
import { parseAccountId, parseResourceType } from "#core/ids.ts";
import {
  cursorLimits,
  openCursor,
  sealCursor,
  type Cursor,
  type CursorPlace,
} from "#records/cursor.ts";
import type { Vault } from "#vault/vault.ts";
import { testVault } from "#vault/testing.ts";

const cursor: Cursor = { query: "name=secret", after: { key: "secret key", id: "a" } };

async function world(
  t: TestContext,
): Promise<{ vault: Vault; place: CursorPlace; sealed: string }> {
  const { vault, database } = await testVault(t);
  const place: CursorPlace = {
    tenant: database.tenant,
    type: parseResourceType("Observation") ?? assert.fail(),
    account: parseAccountId("00000000-0000-4000-8000-000000000001") ?? assert.fail(),
    at: systemClock.now(),
  };
  const sealed = await sealCursor(cursor, place, vault);
  assert.ok(sealed.ok);
  return { vault, place, sealed: sealed.value };
}

async function codeOf(text: string, place: CursorPlace, vault: Vault): Promise<string> {
  const opened = await openCursor(text, place, vault);
  return opened.ok ? "opened" : opened.problem.code;
}

test("a cursor goes on where it was made, and its text fits an address and tells nothing", async (t) => {
  const { vault, place, sealed } = await world(t);
  const opened = await openCursor(sealed, place, vault);
  assert.ok(opened.ok);
  assert.equal(opened.value.query, cursor.query);
  assert.deepEqual(opened.value.after, cursor.after);
  assert.match(sealed, /^[A-Za-z0-9._-]+$/);
  assert.ok(!Buffer.from(sealed.split(".")[1] ?? "", "base64url").includes("secret"));
});

test("a cursor opens for nobody else, for no other type and not for ever", async (t) => {
  const { vault, place, sealed } = await world(t);
  const account = parseAccountId("00000000-0000-4000-8000-000000000002") ?? assert.fail();
  assert.equal(await codeOf(sealed, { ...place, account }, vault), "parameter-invalid");
  const type = parseResourceType("Condition") ?? assert.fail();
  assert.equal(await codeOf(sealed, { ...place, type }, vault), "parameter-invalid");
  const late = laterBy(place.at, cursorLimits.lifetimeMs);
  assert.equal(await codeOf(sealed, { ...place, at: late }, vault), "parameter-invalid");
  const justBefore = laterBy(place.at, cursorLimits.lifetimeMs - 1);
  assert.equal(await codeOf(sealed, { ...place, at: justBefore }, vault), "opened");
});

test("whatever is no cursor of ours is refused and not looked into", async (t) => {
  const { vault, place, sealed } = await world(t);
  const changed = `${sealed.slice(0, -2)}${sealed.endsWith("AA") ? "BB" : "AA"}`;
  for (const text of [
    "",
    "1.",
    ".x",
    "1.AAAA",
    "999.AAAA",
    changed,
    `${sealed}AAAA`,
    "x".repeat(9_000),
  ])
    assert.equal(await codeOf(text, place, vault), "parameter-invalid", text.slice(0, 40));
});
