import assert from "node:assert/strict";
import { test } from "node:test";
import {
  alreadyHeld,
  ifMatchVersion,
  isHeld,
  preferredReturn,
  prefersLenient,
} from "#records/preference.ts";

for (const [prefer, wanted] of [
  [undefined, null],
  ["return=representation", "representation"],
  ["return=minimal", "minimal"],
  ["handling=strict; return=minimal", "minimal"],
  ["handling=lenient, return=representation", "representation"],
  ["return=OperationOutcome", "OperationOutcome"],
  ["return=everything", null],
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

const monday = "Mon, 01 Jan 2024 10:00:00 GMT";
const written = Date.parse(monday) + 700;

for (const [what, tags, since, held] of [
  ["its version", 'W/"3"', undefined, true],
  ["its version as a strong tag", '"3"', undefined, true],
  ["several versions, its own among them", 'W/"1", W/"3"', undefined, true],
  ["any version", "*", undefined, true],
  ["another version", 'W/"2"', undefined, false],
  ["another version, whatever the date", 'W/"2"', monday, false],
  ["the second in which it was written", undefined, monday, true],
  ["a second before", undefined, "Mon, 01 Jan 2024 09:59:59 GMT", false],
  ["a date that is none", undefined, "soon", false],
  ["nothing", undefined, undefined, false],
] as const)
  test(`who names ${what} ${held ? "has" : "has not"} got version 3 already`, () => {
    assert.equal(isHeld(alreadyHeld(tags, since), 3, written), held);
  });
