import assert from "node:assert/strict";
import { test } from "node:test";
import { ifMatchVersion, preferredReturn, prefersLenient } from "#records/preference.ts";

for (const [prefer, wanted] of [
  [undefined, null],
  ["return=representation", "representation"],
  ["return=minimal", "minimal"],
  ["handling=strict; return=minimal", "minimal"],
  ["handling=lenient, return=representation", "representation"],
  ["return=OperationOutcome", null],
] as const)
  test(`Prefer ${prefer ?? "left out"} wants back ${wanted ?? "whatever is usual"}`, () => {
    assert.equal(preferredReturn(prefer === undefined ? {} : { prefer }), wanted);
  });

test("only a caller who says so has unknown parameters forgiven", () => {
  assert.ok(prefersLenient({ prefer: "handling=lenient" }));
  assert.ok(!prefersLenient({ prefer: "handling=strict" }));
  assert.ok(!prefersLenient({}));
});

for (const [header, version] of [
  ['W/"3"', 3],
  ['"17"', 17],
] as const)
  test(`If-Match ${header} names version ${version}`, () => {
    assert.deepEqual(ifMatchVersion({ "if-match": header }), { ok: true, value: version });
  });

test("without If-Match any version may be written over", () => {
  assert.deepEqual(ifMatchVersion({}), { ok: true, value: null });
});

for (const header of ["*", "3", 'W/"0"', 'W/"a"', 'W/"1", W/"2"', ""])
  test(`If-Match ${header} names no version`, () => {
    const found = ifMatchVersion({ "if-match": header });
    assert.equal(found.ok ? "taken" : found.problem.code, "parameter-invalid");
  });
