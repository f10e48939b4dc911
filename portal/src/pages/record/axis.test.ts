import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ticksOf } from "./axis.ts";

test("ticks are round and have room for the values", () => {
  assert.deepEqual(ticksOf([6.9, 8.4, 4, 5.6]), [2, 4, 6, 8, 10]);
  assert.deepEqual(ticksOf([66, 159]), [50, 100, 150, 200]);
  assert.deepEqual(ticksOf([0.1, 0.3]), [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35]);
});

test("one value alone has an axis", () => {
  assert.deepEqual(ticksOf([0]), [0, 0.5]);
  assert.deepEqual(ticksOf([140]), [100, 150]);
});

test("all values lie between the first and the last tick, and few ticks do", () => {
  const value = fc
    .double({ min: -1e9, max: 1e9, noNaN: true })
    .map((one) => Number(one.toFixed(3)));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
      const ticks = ticksOf(values);
      assert.ok((ticks[0] ?? Infinity) <= Math.min(...values));
      assert.ok((ticks.at(-1) ?? -Infinity) >= Math.max(...values));
      assert.ok(ticks.length >= 2 && ticks.length <= 8);
      if (Math.min(...values) >= 0) assert.ok((ticks[0] ?? -1) >= 0);
    }),
  );
});
