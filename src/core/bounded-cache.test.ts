import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createBoundedCache } from "#core/bounded-cache.ts";

test("a bounded cache forgets what was longest unused", () => {
  const cache = createBoundedCache<string, number>(2);
  cache.set("a", 1);
  cache.set("b", 2);
  assert.equal(cache.get("a"), 1);
  cache.set("c", 3);
  assert.equal(cache.get("b"), undefined);
  assert.deepEqual([cache.get("a"), cache.get("c"), cache.size], [1, 3, 2]);
});

test("a deleted value is gone and leaves room", () => {
  const cache = createBoundedCache<string, number>(1);
  cache.set("a", 1);
  cache.delete("a");
  assert.equal(cache.get("a"), undefined);
  assert.equal(cache.size, 0);
});

test("for all uses: never more than its bound, and every answer is what was set last", () => {
  const use = fc.record({ key: fc.integer({ min: 0, max: 9 }), value: fc.option(fc.integer()) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(use), (max, uses) => {
      const cache = createBoundedCache<number, number>(max);
      const model = new Map<number, number>();
      for (const { key, value } of uses) {
        if (value === null) {
          const found = cache.get(key);
          assert.ok(found === undefined || found === model.get(key));
        } else {
          cache.set(key, value);
          model.set(key, value);
          assert.equal(cache.get(key), value);
        }
        assert.ok(cache.size <= max);
      }
    }),
  );
});
