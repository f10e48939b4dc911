import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { idSource } from "#town/ids.ts";

test("every id is a version 8 uuid of RFC 9562", () => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.string(), fc.nat(), fc.nat(), (seed, kind, a, b) => {
      assert.match(idSource(seed)(kind, a, b), form);
    }),
  );
});

test("the id of a known place is this one, on this machine and every other", () => {
  assert.equal(idSource(7)("Patient", 0), "901cc080-dce2-8cd9-addd-9ab2b7d77399");
});

test("a million places give a million ids", () => {
  const id = idSource(7);
  const seen = new Set<string>();
  for (let n = 0; n < 5_000; n += 1) {
    for (let at = 0; at < 100; at += 1) seen.add(id("Observation", n, at));
    for (let at = 0; at < 100; at += 1) seen.add(id("Encounter", n, at));
  }
  assert.equal(seen.size, 1_000_000);
});
