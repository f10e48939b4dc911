import assert from "node:assert/strict";
import { test } from "node:test";
import { testEntry } from "#audit/testing.ts";
import { createSeenProofs, proofDigest } from "#audit/seen-proofs.ts";

const digest = (jkt: string, jti: string): Buffer =>
  proofDigest({ jkt, jti, expiresAt: testEntry(1).time });

test("a proof is new once", () => {
  const seen = createSeenProofs(10);
  assert.ok(seen.add(digest("key", "one")));
  assert.ok(!seen.add(digest("key", "one")));
  assert.ok(seen.add(digest("key", "two")));
  assert.ok(seen.add(digest("another", "one")));
});

test("a proof whose request came to nothing is new again", () => {
  const seen = createSeenProofs(10);
  seen.add(digest("key", "one"));
  seen.forget(digest("key", "one"));
  assert.ok(seen.add(digest("key", "one")));
});

test("no more proofs are remembered than the limit, the newest of them", () => {
  const seen = createSeenProofs(2);
  for (const jti of ["one", "two", "three"]) seen.add(digest("key", jti));
  assert.ok(!seen.add(digest("key", "three")));
  assert.ok(!seen.add(digest("key", "two")));
  assert.ok(seen.add(digest("key", "one")));
});

test("an expiry does not make it another proof", () => {
  const proof = { jkt: "key", jti: "one", expiresAt: testEntry(1).time };
  const later = { ...proof, expiresAt: testEntry(2).time };
  assert.deepEqual(proofDigest(proof), proofDigest(later));
});
