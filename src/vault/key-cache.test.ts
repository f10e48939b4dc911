import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { test } from "node:test";
import { systemClock } from "#core/clock.ts";
import { parseTenantId } from "#core/ids.ts";
import { takeDataKey, type DataKey } from "#vault/data-key.ts";
import { createKeyCache, type KeyCache } from "#vault/key-cache.ts";

const tenant = parseTenantId(randomUUID());

function keyOf(dekVersion: number, seals = 0): DataKey {
  assert.ok(tenant !== null);
  const facts = { tenant, compartment: "organisation", dekVersion, kekEpoch: 1, seals } as const;
  return takeDataKey(randomBytes(32), facts);
}

interface Timed {
  readonly cache: KeyCache;
  readonly pass: (ms: number) => void;
}

function timed(keys = 2, residenceMs = 100): Timed {
  let now = 0;
  const clock = { now: () => systemClock.now(), monotonicMs: () => now };
  return {
    cache: createKeyCache({ keys, residenceMs }, clock),
    pass: (ms) => {
      now += ms;
    },
  };
}

test("use does not lengthen a key's stay", () => {
  const { cache, pass } = timed();
  cache.add(keyOf(1), true);
  pass(60);
  assert.ok(cache.at("organisation", 1));
  pass(60);
  assert.equal(cache.at("organisation", 1), null);
  assert.equal(cache.newest("organisation"), null);
});

test("sweeping forgets the keys whose time is over and no others", () => {
  const { cache, pass } = timed();
  cache.add(keyOf(1), false);
  pass(60);
  cache.add(keyOf(2), true);
  pass(60);
  cache.sweep();
  assert.equal(cache.size, 1);
  assert.equal(cache.newest("organisation")?.dekVersion, 2);
});

test("an older version is not the newest, even when it is all that is held", () => {
  const { cache } = timed();
  cache.add(keyOf(1), false);
  assert.equal(cache.newest("organisation"), null);
  assert.equal(cache.at("organisation", 1)?.dekVersion, 1);
});

test("the same version loaded twice stays one key, so its seals are counted once", () => {
  const { cache } = timed();
  const first = cache.add(keyOf(1), false);
  assert.equal(cache.add(keyOf(1), true), first);
  assert.equal(cache.newest("organisation"), first);
});

test("a key that was read before a newer one was made does not pass for the newest", () => {
  const { cache } = timed();
  cache.add(keyOf(2), true);
  cache.add(keyOf(1), true);
  assert.equal(cache.newest("organisation")?.dekVersion, 2);
});

test("evicting forgets every version of the compartments named, and counts up either way", () => {
  const { cache } = timed();
  cache.add(keyOf(1), false);
  cache.add(keyOf(2), true);
  const before = cache.evictions;
  assert.equal(cache.evict([]), 0);
  assert.equal(cache.evict(["organisation"]), 2);
  assert.equal(cache.evictions, before + 2);
  assert.equal(cache.newest("organisation"), null);
});

test("never more keys are held than the limit says", () => {
  const { cache } = timed(3);
  for (let version = 1; version <= 50; version += 1) {
    cache.add(keyOf(version), true);
    assert.ok(cache.size <= 3);
  }
  assert.equal(cache.newest("organisation")?.dekVersion, 50);
});
