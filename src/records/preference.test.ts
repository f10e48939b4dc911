import assert from "node:assert/strict";
import { test } from "node:test";
import { ifMatchVersion, wantsRepresentation } from "#records/preference.ts";

test("the written resource comes back unless the caller asks for as little as possible", () => {
  assert.ok(wantsRepresentation({}));
  assert.ok(wantsRepresentation({ prefer: "return=representation" }));
  assert.ok(!wantsRepresentation({ prefer: "return=minimal" }));
  assert.ok(!wantsRepresentation({ prefer: "handling=strict; return=minimal" }));
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
    assert.equal(found.ok === false && found.problem.code, "parameter-invalid");
  });
