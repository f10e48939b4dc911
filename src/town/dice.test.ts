import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { BrokenInvariant } from "#core/result.ts";
import { diceBox } from "#town/dice.ts";

test("dice of one purpose and place always fall the same way", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.string(), fc.nat(), fc.nat(), (seed, purpose, a, b) => {
      const first = diceBox(seed)(purpose, a, b);
      const again = diceBox(seed)(purpose, a, b);
      for (let i = 0; i < 20; i += 1) assert.equal(first.unit(), again.unit());
    }),
  );
});

test("the first throws of known dice are these, on this machine and every other", () => {
  const dice = diceBox(7)("example", 1, 2);
  const thrown = [dice.between(1, 1000), dice.between(1, 1000), dice.between(1, 1000)];
  assert.deepEqual(thrown, [111, 541, 643]);
});

test("dice of another seed, purpose or place fall otherwise", () => {
  const throws = (seed: number, purpose: string, a: number, b: number): string => {
    const dice = diceBox(seed)(purpose, a, b);
    return Array.from({ length: 8 }, () => dice.between(0, 999_999)).join();
  };
  const seen = new Set([
    throws(7, "a", 1, 2),
    throws(8, "a", 1, 2),
    throws(7 + 2 ** 33, "a", 1, 2),
    throws(7, "b", 1, 2),
    throws(7, "a", 2, 1),
    throws(7, "a", 2, 2),
    throws(7, "a", 1, 3),
    throws(7, "a", 1 + 2 ** 32, 2),
    throws(7, "ab", 1, 2),
  ]);
  assert.equal(seen.size, 9);
});

test("every throw lies within its bounds", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: -1e6, max: 1e6 }), fc.nat(1000), (seed, low, width) => {
      const dice = diceBox(seed)("bounds", 0);
      const thrown = dice.between(low, low + width);
      assert.ok(Number.isInteger(thrown) && thrown >= low && thrown <= low + width);
      const near = dice.near(low, 2);
      assert.ok(Math.abs(near - low) <= 12);
      const unit = dice.unit();
      assert.ok(unit >= 0 && unit < 1);
    }),
  );
});

test("throws spread evenly, and near its mean the bell has one spread's width", () => {
  const dice = diceBox(42)("spread", 0);
  const counts = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 60_000; i += 1) {
    const at = dice.between(0, 5);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, counts.join());
  const drawn = Array.from({ length: 20_000 }, () => dice.near(10, 3));
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length;
  assert.ok(Math.abs(mean - 10) < 0.1);
  assert.ok(Math.abs(Math.sqrt(variance) - 3) < 0.1);
});

test("a weight of nothing is never drawn, and twice the weight is drawn twice as often", () => {
  const dice = diceBox(1)("weights", 0);
  const counts = [0, 0, 0];
  for (let i = 0; i < 30_000; i += 1) {
    const at = dice.weighted([1, 0, 2]);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  assert.equal(counts[1], 0);
  const [once = 0, , twice = 0] = counts;
  assert.ok(Math.abs(twice / once - 2) < 0.15);
});

test("nothing can be picked from an empty list", () => {
  assert.throws(() => diceBox(1)("empty", 0).pick([]), BrokenInvariant);
});
