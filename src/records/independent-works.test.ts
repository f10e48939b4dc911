import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import { areIndependent } from "#records/independent-works.ts";
import type { RowWrite, Work } from "#records/write-plan.ts";

/** Only what makes works depend on one another. */
function group(...rows: readonly (readonly [type: string, id: string, patient?: string])[]): Work {
  return {
    atomic: true,
    rows: rows.map(([type, id, patient = null]) => {
      const row = { type: type as ResourceType, id: id as ResourceId, patient };
      return row as RowWrite;
    }),
  };
}

const vitals = group(["Observation", "o1", "p1"], ["Observation", "o2", "p1"]);

test("rows of one patient are independent as long as they are others", () => {
  assert.ok(areIndependent([group(["Observation", "o3", "p1"])], [vitals]));
  assert.ok(!areIndependent([group(["Observation", "o2", "p1"])], [vitals]));
  assert.ok(areIndependent([group(["Condition", "o2", "p1"])], [vitals]));
});

test("what is about a Patient waits for her to be written", () => {
  assert.ok(!areIndependent([vitals], [group(["Patient", "p1", "p1"])]));
  assert.ok(areIndependent([vitals], [group(["Patient", "p2", "p2"])]));
});

test("what touches more than rows waits, and is waited for", () => {
  const reseal: Work = { kind: "reseal", rows: [] };
  assert.ok(!areIndependent([vitals], [reseal]));
  assert.ok(!areIndependent([reseal], [vitals]));
  const decided = { ...group(["Patient", "p3", "p3"]), decision: {} } as unknown as Work;
  assert.ok(!areIndependent([vitals], [decided]));
  assert.ok(!areIndependent([decided], [vitals]));
});

test("any of many works ahead is waited for", () => {
  const ahead = [group(["Observation", "o4", "p1"]), group(["Patient", "p1", "p1"])];
  assert.ok(!areIndependent([group(["Observation", "o5"]), vitals], ahead));
});
