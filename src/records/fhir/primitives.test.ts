import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { cpuMs } from "#records/fhir/testing.ts";
import { checkPrimitive } from "#records/fhir/primitives.ts";

/** R4 §2.24.0.1: for each type, values that it has and values that it has not. */
const facts: Readonly<
  Record<string, readonly [right: readonly unknown[], wrong: readonly unknown[]]>
> = {
  base64Binary: [
    ["YWJj", "YQ==", "YWI=", "YW Jj\n"],
    ["", "a", "YQ=", "Y===", "YQ==YQ==", "YW_j", 5],
  ],
  boolean: [
    [true, false],
    ["true", 0, null],
  ],
  canonical: [["http://e.example/x|1"], ["a b", ""]],
  code: [
    ["a", "a b", "ü"],
    ["", " a", "a ", "a  b", "a\tb", 5],
  ],
  date: [
    ["2024", "2024-02", "2024-02-29", "0001"],
    ["24", "2024-2", "2023-02-29", "2024-04-31", "0000", "2024-05-01T00:00:00Z", ""],
  ],
  dateTime: [
    ["2024", "2024-05-01", "2024-05-01T00:00:00Z", "2024-05-01T23:59:60.123456789+14:00"],
    [
      "2024-05-01T00:00:00",
      "2024-05-01T24:00:00Z",
      "2024-05-01T00:00Z",
      "2024-05-01Z",
      "2024-05-01T00:00:00+15:00",
    ],
  ],
  decimal: [
    [0, -1.5, 1e300],
    [Number.POSITIVE_INFINITY, Number.NaN, "1"],
  ],
  id: [
    ["a", "A-1.b", "x".repeat(64)],
    ["", "a_b", "x".repeat(65), "a/b"],
  ],
  instant: [
    ["2024-05-01T00:00:00Z", "2024-05-01T00:00:00.1-05:00"],
    ["2024", "2024-05-01", "2023-02-30T00:00:00Z"],
  ],
  integer: [
    [0, -2_147_483_648, 2_147_483_647],
    [1.5, 2_147_483_648, "1"],
  ],
  markdown: [["a\n- b\tc"], ["", "\u0007"]],
  oid: [["urn:oid:1.2.3"], ["1.2.3", "urn:oid:3.1", "urn:oid:1.02"]],
  positiveInt: [[1], [0, -1]],
  string: [
    ["a", " a ", "\u{1F600}", "a\r\n\tb"],
    ["", "  ", "\u0000", "\u000b", "\ud800", "x".repeat(1_048_577), []],
  ],
  time: [
    ["00:00:00", "23:59:59.5"],
    ["24:00:00", "12:00", "12:00:00Z"],
  ],
  unsignedInt: [[0], [-1, 0.5]],
  uri: [
    ["a", "urn:x:y", "http://e.example/ü"],
    ["a b", "", "a\n"],
  ],
  url: [["https://e.example"], ["a b"]],
  uuid: [
    ["urn:uuid:11111111-1111-4111-8111-111111111111"],
    ["11111111-1111-4111-8111-111111111111"],
  ],
};

suite("the primitive type", () => {
  for (const [type, [right, wrong]] of Object.entries(facts))
    test(`${type} has its forms and no others`, () => {
      for (const value of right) assert.equal(checkPrimitive(type, value), null, String(value));
      for (const value of wrong)
        assert.notEqual(checkPrimitive(type, value), null, String(value).slice(0, 40));
    });

  test("string holds every text but for controls, lone surrogates and blanks", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
        const controls = Array.from(text).some((char) => char < " " && !"\t\n\r".includes(char));
        const right = !controls && text.isWellFormed() && text.trim() !== "";
        assert.equal(checkPrimitive("string", text) === null, right);
      }),
    );
  });

  test("date holds every day of the calendar, and no day beyond its month", () => {
    fc.assert(
      fc.property(fc.nat(9998), fc.nat(11), fc.nat(30), (years, months, days) => {
        const [year, month, day] = [years + 1, months + 1, days + 1];
        const padded = (value: number, digits: number): string =>
          String(value).padStart(digits, "0");
        const date = `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
        const read = new Date(`${date}T00:00:00Z`);
        const exists = !Number.isNaN(read.getTime()) && read.toISOString().startsWith(date);
        assert.equal(checkPrimitive("date", date) === null, exists, date);
      }),
    );
  });

  test("of a name that R4 does not have is refused", () => {
    for (const type of ["wizard", "constructor", "__proto__"])
      assert.notEqual(checkPrimitive(type, "x"), null, type);
  });

  test("is checked in time that grows with the text alone", () => {
    const million = 1_000_000;
    const hostile: readonly [type: string, value: string][] = [
      ["base64Binary", `${" ".repeat(million)}!`],
      ["code", `${"a ".repeat(million / 2)} `],
      ["uri", `${"a".repeat(million)} `],
      ["string", " ".repeat(million)],
      ["oid", `urn:oid:1${".1".repeat(million / 2)}x`],
    ];
    for (const [type, value] of hostile) {
      const ms = cpuMs(() => {
        assert.notEqual(checkPrimitive(type, value), null);
      });
      assert.ok(ms < 500, `${type} took ${ms.toFixed(0)} ms`);
    }
  });
});
