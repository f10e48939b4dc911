import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readRange, standingOf, type Range } from "./range.ts";

const usual: Range = { low: 4, high: 5.6, unit: "%", text: null };
const measured = (value: number, comparator: string | null = null, unit: string | null = "%") => ({
  value,
  comparator,
  unit,
});
const interpretation = (code: string) => [{ coding: [{ code }] }];

test("the laboratory's interpretation goes before the range", () => {
  assert.equal(standingOf(interpretation("HH"), measured(5), usual), "very-high");
  assert.equal(standingOf(interpretation("N"), measured(9), usual), "in-range");
  assert.equal(standingOf(interpretation("L"), null, null), "low");
  assert.equal(standingOf(interpretation("A"), null, null), "unusual");
});

test("an interpretation that says nothing of height leaves it to the range", () => {
  assert.equal(standingOf(interpretation("IND"), measured(9), usual), "high");
});

test("a value on the edge of the range is in it", () => {
  assert.equal(standingOf([], measured(4), usual), "in-range");
  assert.equal(standingOf([], measured(5.6), usual), "in-range");
  assert.equal(standingOf([], measured(3.9), usual), "low");
  assert.equal(standingOf([], measured(5.7), usual), "high");
});

test("values of another unit are not compared", () => {
  assert.equal(standingOf([], measured(38, null, "mmol/mol"), usual), "unknown");
});

test("a range with one end judges on that side alone", () => {
  const below: Range = { low: null, high: 10, unit: null, text: null };
  assert.equal(standingOf([], measured(10), below), "in-range");
  assert.equal(standingOf([], measured(11), below), "high");
  assert.equal(standingOf([], measured(-3), below), "in-range");
});

test("less than a limit of detection within the range is in range", () => {
  const none: Range = { low: 0, high: 5, unit: "%", text: null };
  assert.equal(standingOf([], measured(3, "<"), none), "in-range");
  assert.equal(standingOf([], measured(5, "<"), none), "in-range");
});

test("a comparator whose true value may lie on either side is not judged", () => {
  assert.equal(standingOf([], measured(9, "<"), usual), "unknown");
  assert.equal(standingOf([], measured(3, ">"), usual), "unknown");
  assert.equal(standingOf([], measured(4, "<"), usual), "low");
  assert.equal(standingOf([], measured(5.6, ">"), usual), "high");
  assert.equal(standingOf([], measured(5.6, ">="), usual), "unknown");
});

test("nothing measured or no range has no standing", () => {
  assert.equal(standingOf([], null, usual), "unknown");
  assert.equal(standingOf([], measured(5), null), "unknown");
  const words: Range = { low: null, high: null, unit: null, text: "negative" };
  assert.equal(standingOf([], measured(5), words), "unknown");
});

test("without a comparator exactly one of low, in range and high holds", () => {
  const amount = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(amount, amount, amount, (one, other, value) => {
      const range = {
        low: Math.min(one, other),
        high: Math.max(one, other),
        unit: null,
        text: null,
      };
      const expected = value < range.low ? "low" : value > range.high ? "high" : "in-range";
      assert.equal(standingOf([], measured(value), range), expected);
    }),
  );
});

test("the normal range is chosen among several", () => {
  const ranges = [
    { type: { coding: [{ code: "critical" }] }, low: { value: 1 } },
    { type: { coding: [{ code: "normal" }] }, low: { value: 4, unit: "%" }, high: { value: 6 } },
  ];
  assert.deepEqual(readRange(ranges), { low: 4, high: 6, unit: "%", text: null });
  assert.equal(readRange(ranges.slice(0, 1)), null);
});

test("what is no range reads as none", () => {
  for (const broken of [undefined, null, "4-6", [], [{}], [{ low: { value: "4" } }], [7]]) {
    assert.equal(readRange(broken), null);
  }
  assert.deepEqual(readRange([{ text: "negative" }]), {
    low: null,
    high: null,
    unit: null,
    text: "negative",
  });
});
