import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { cutBundle, type CutBundle } from "#records/fhir/bundle-text.ts";

function cut(text: string): CutBundle | string {
  const walking = cutBundle(text);
  for (;;) {
    const step = walking.next();
    if (step.done === true) return step.value.ok ? step.value.value : step.value.problem.code;
  }
}

test("header and entries are together the whole Bundle, however it is spaced and nested", () => {
  const bundle = fc.record({
    type: fc.string(),
    entry: fc.array(fc.jsonValue(), { maxLength: 6 }),
    more: fc.jsonValue(),
  });
  fc.assert(
    fc.property(bundle, fc.constantFrom(0, 1, 4), (value, spaces) => {
      const found = cut(JSON.stringify(value, null, spaces));
      assert.ok(typeof found === "object");
      const entry: unknown[] = found.entries.map((text) => JSON.parse(text) as unknown);
      assert.deepEqual({ ...JSON.parse(found.header), entry }, JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("an entry of another depth is none of the Bundle's", () => {
  const inner = { resourceType: "Bundle", contained: [{ entry: [1, 2] }], link: { entry: [3] } };
  assert.deepEqual(cut(JSON.stringify(inner)), { header: JSON.stringify(inner), entries: [] });
});

test("a second list of entries stays in the header, where it is a key given twice", () => {
  assert.deepEqual(cut('{"entry":[1],"entry":[2]}'), {
    header: '{"entry":[],"entry":[2]}',
    entries: ["1"],
  });
});

for (const text of [
  '{"entry":[1,,2]}',
  '{"entry":[1,]}',
  '{"entry":[,]}',
  '{"entry":[1',
  '{"entry":["x]}',
])
  test(`${text} is no JSON`, () => assert.equal(cut(text), "json-broken"));

test("any text at all is walked over and ends", () => {
  const pieces = fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", '"entry"', "1", " ");
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (all) => {
      cut(`{"entry":[${all.join("")}`);
      cut(all.join(""));
    }),
    { numRuns: 500 },
  );
});
