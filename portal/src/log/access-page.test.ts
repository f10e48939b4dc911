import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readAccessLog } from "./access-page.ts";

const whole = {
  time: "2025-11-20T10:00:00Z",
  who: "You",
  role: "patient",
  action: "read",
  decision: "permit",
  resourceType: "Patient",
  categories: ["Patient"],
  count: 1,
  purpose: "PATRQT",
  origin: "records",
  index: 0,
};

test("a whole line is read as it is", () => {
  assert.deepEqual(readAccessLog({ readings: [whole], next: "c" }), {
    lines: [whole],
    cursor: "c",
  });
});

test("a line that cannot be placed in time or in the log is left out", () => {
  for (const broken of [
    { time: "soon" },
    { time: null },
    { origin: "" },
    { index: "7" },
    { decision: "maybe" },
  ]) {
    assert.deepEqual(readAccessLog({ readings: [{ ...whole, ...broken }], next: null }).lines, []);
  }
});

test("an answer of any shape is read, never thrown at", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void readAccessLog(value)));
  assert.deepEqual(readAccessLog("x"), { lines: [], cursor: null });
});
