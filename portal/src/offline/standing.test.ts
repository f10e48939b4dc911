import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { standingOf } from "./standing.ts";

const hourMs = 3_600_000;
const lease = { endsAtMs: 72 * hourMs, latestMs: 10 * hourMs };

test("a copy is good until its lease ends, and not a millisecond longer", () => {
  assert.equal(standingOf(lease, 10 * hourMs), "good");
  assert.equal(standingOf(lease, lease.endsAtMs - 1), "good");
  assert.equal(standingOf(lease, lease.endsAtMs), "run-out");
});

test("a clock turned back behind what was seen opens nothing; one set right by minutes does", () => {
  assert.equal(standingOf(lease, 9 * hourMs), "clock-back");
  assert.equal(standingOf(lease, 10 * hourMs - 4 * 60_000), "good");
});

test("at no time is a copy good at once after its end and before what was seen", () => {
  const time = fc.integer({ min: 0, max: 200 * hourMs });
  fc.assert(
    fc.property(time, time, time, (endsAtMs, latestMs, nowMs) => {
      const isGood = standingOf({ endsAtMs, latestMs }, nowMs) === "good";
      assert.equal(isGood, nowMs < endsAtMs && nowMs >= latestMs - 300_000);
    }),
  );
});
