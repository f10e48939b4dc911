import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { isCommitted, keyCommitment } from "#core/key-commitment.ts";

const name = { tenant: "t", compartment: "c", dekVersion: 1 };
const key = randomBytes(32);
const commitment = keyCommitment(key, name).toString("base64url");

test("a commitment holds for its own key and name", () => {
  assert.equal(isCommitted(key, name, commitment), true);
});

test("a commitment holds for no other key, tenant, compartment or version", () => {
  assert.equal(isCommitted(randomBytes(32), name, commitment), false);
  assert.equal(isCommitted(key, { ...name, tenant: "u" }, commitment), false);
  assert.equal(isCommitted(key, { ...name, compartment: "d" }, commitment), false);
  assert.equal(isCommitted(key, { ...name, dekVersion: 2 }, commitment), false);
});

test("a cut or empty commitment does not hold", () => {
  assert.equal(isCommitted(key, name, ""), false);
  assert.equal(isCommitted(key, name, commitment.slice(0, 20)), false);
});
