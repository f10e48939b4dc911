import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseRevocationLine } from "#core/revocations.ts";

test("a line that is written is the line that is read", () => {
  const line = fc.record(
    {
      epoch: fc.integer({ min: 0 }),
      ended: fc.oneof(
        fc.constant("all" as const),
        fc.array(fc.uuid({ version: 4 }), { maxLength: 4 }),
      ),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(line, (written) => {
      assert.deepEqual(parseRevocationLine(JSON.stringify(written)), written);
    }),
  );
});

test("whatever else comes is no line", () => {
  for (const text of ["", "{", "[]", "{}", '{"epoch":1}', '{"epoch":"1","ended":[]}'])
    assert.equal(parseRevocationLine(text), null);
  for (const ended of [[1], ["x"], "none", {}])
    assert.equal(parseRevocationLine(JSON.stringify({ epoch: 1, ended })), null);
});
