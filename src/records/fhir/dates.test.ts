import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { boundsOf, monthOf } from "#records/fhir/dates.ts";

const at = (iso: string): number => Date.parse(iso);

suite("a FHIR date stands for", () => {
  const facts: readonly [text: string, from: string, to: string][] = [
    ["2024", "2024-01-01T00:00:00.000Z", "2024-12-31T23:59:59.999Z"],
    ["2024-02", "2024-02-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"],
    ["2023-12-31", "2023-12-31T00:00:00.000Z", "2023-12-31T23:59:59.999Z"],
    ["2024-05-09T08:00:00-05:00", "2024-05-09T13:00:00.000Z", "2024-05-09T13:00:00.999Z"],
    ["2024-05-09T08:00Z", "2024-05-09T08:00:00.000Z", "2024-05-09T08:00:59.999Z"],
    ["2024-05-09T08:00:00.5+05:30", "2024-05-09T02:30:00.500Z", "2024-05-09T02:30:00.500Z"],
    ["2024-05-09T08:00:00.123456Z", "2024-05-09T08:00:00.123Z", "2024-05-09T08:00:00.123Z"],
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z", "2017-01-01T00:00:00.999Z"],
    ["0099-03", "0099-03-01T00:00:00.000Z", "0099-03-31T23:59:59.999Z"],
  ];
  for (const [text, from, to] of facts)
    test(`all from ${from} to ${to}: ${text}`, () => {
      assert.deepEqual(boundsOf(text), { from: at(from), to: at(to) });
    });

  test("nothing when it is none", () => {
    for (const text of [
      "",
      "24",
      "2024-13",
      "2024-02-30",
      "2024-00",
      "2024-01-00",
      "now",
      "2024-1",
    ])
      assert.equal(boundsOf(text), null, text);
  });

  test("the very instant that ECMAScript reads from the same text", () => {
    fc.assert(
      fc.property(
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
        (date) => {
          const ms = date.getTime();
          assert.deepEqual(boundsOf(date.toISOString()), { from: ms, to: ms });
          const day = boundsOf(date.toISOString().slice(0, 10)) ?? assert.fail();
          assert.ok(day.from <= ms && ms <= day.to && day.to - day.from === 86_399_999);
          const month = boundsOf(monthOf(ms)) ?? assert.fail();
          assert.ok(month.from <= day.from && day.to <= month.to);
        },
      ),
    );
  });
});
