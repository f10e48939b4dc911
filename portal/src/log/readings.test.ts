import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { AccessLogLine } from "../../../src/core/wire.ts";
import { groupByDay } from "./readings.ts";

const utcDay = (time: string): string => time.slice(0, 10);

let index = 1_000;
function line(time: string, more: Partial<AccessLogLine> = {}): AccessLogLine {
  index -= 1;
  return {
    time: `2025-11-${time}:00.000Z`,
    who: "You",
    role: "patient",
    action: "search",
    decision: "permit",
    resourceType: "Observation",
    categories: ["Observation"],
    count: 3,
    purpose: "PATRQT",
    origin: "records",
    index,
    ...more,
  };
}

const looksOf = (lines: readonly AccessLogLine[]) =>
  groupByDay(lines, utcDay).flatMap(({ looks }) => looks);

test("lines fall on the reader's days, newest day first", () => {
  const days = groupByDay([line("20T10:00"), line("19T23:59"), line("19T08:00")], utcDay);
  assert.deepEqual(
    days.map(({ key, looks }) => [key, looks.length]),
    [
      ["2025-11-20", 1],
      ["2025-11-19", 2],
    ],
  );
});

test("opening lists and items within minutes is one look with all kinds of data", () => {
  const [look, more] = looksOf([
    line("20T10:09", { categories: ["Condition"] }),
    line("20T10:05", { action: "read", categories: ["Observation", "Condition"] }),
    line("20T10:00", { action: "vread", categories: [], resourceType: "Patient" }),
  ]);
  assert.equal(more, undefined);
  assert.deepEqual(look?.kinds, ["Condition", "Observation", "Patient"]);
  assert.equal(look?.first, "2025-11-20T10:00:00.000Z");
  assert.equal(look?.last, "2025-11-20T10:09:00.000Z");
});

test("a pause of more than a quarter of an hour makes another look", () => {
  assert.equal(looksOf([line("20T10:15"), line("20T10:00")]).length, 1);
  assert.equal(looksOf([line("20T10:16"), line("20T10:00")]).length, 2);
});

test("another person, purpose, decision or deed is another look", () => {
  for (const other of [
    { who: "Dr. Lee" },
    { role: "proxy" },
    { purpose: "TREAT" },
    { decision: "deny" },
    { action: "update" },
  ] as const) {
    assert.equal(looksOf([line("20T10:01", other), line("20T10:00")]).length, 2);
  }
});

test("someone who looks in between parts two looks of another", () => {
  const whos = looksOf([line("20T10:02"), line("20T10:01", { who: "Dr. Lee" }), line("20T10:00")]);
  assert.deepEqual(
    whos.map(({ who }) => who),
    ["You", "Dr. Lee", "You"],
  );
});

test("every line of the log stands in exactly one look, in its order", () => {
  const minutes = fc.array(fc.integer({ min: 0, max: 59 }), { maxLength: 30 });
  const who = fc.constantFrom("You", "Dr. Lee");
  fc.assert(
    fc.property(minutes, fc.array(who, { minLength: 30, maxLength: 30 }), (at, whos) => {
      const lines = at
        .toSorted((a, b) => b - a)
        .map((minute, place) =>
          line(`20T10:${String(minute).padStart(2, "0")}`, { who: whos[place] ?? "You" }),
        );
      assert.deepEqual(
        looksOf(lines).flatMap((look) => look.lines),
        lines,
      );
    }),
  );
});
