import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { splitUnescaped } from "#records/fhir/search-asked.ts";
import { folded, stretchesOf, textsOf, tokensOf } from "#records/fhir/search-values.ts";

suite("tokens are read from", () => {
  const facts: readonly [
    name: string,
    value: unknown,
    tokens: readonly (readonly [string | null, string])[],
  ][] = [
    ["a code", "final", [[null, "final"]]],
    ["a boolean", false, [[null, "false"]]],
    ["a Coding", { system: "s", code: "c", display: "d" }, [["s", "c"]]],
    ["a Coding without system", { code: "c" }, [[null, "c"]]],
    [
      "a concept of two codings",
      { coding: [{ system: "s", code: "c" }, { code: "e" }], text: "t" },
      [
        ["s", "c"],
        [null, "e"],
      ],
    ],
    ["a concept of text alone", { text: "t" }, []],
    ["an Identifier", { system: "s", value: "v" }, [["s", "v"]]],
    ["a ContactPoint", { system: "phone", value: "555" }, [["phone", "555"]]],
    ["a display alone", { display: "d" }, []],
    ["nothing", null, []],
    ["a number", 5, []],
  ];
  for (const [name, value, tokens] of facts)
    test(name, () => {
      assert.deepEqual(
        tokensOf(value).map(({ system, code }) => [system, code]),
        tokens,
      );
    });
});

suite("stretches of time are read from", () => {
  const at = (iso: string): number => Date.parse(iso);
  const day = { from: at("2024-05-09"), to: at("2024-05-10") - 1 };

  test("a date, a period open at either end, and events", () => {
    assert.deepEqual(stretchesOf("2024-05-09"), [day]);
    assert.deepEqual(stretchesOf({ start: "2024-05-09" }), [{ from: day.from, to: Infinity }]);
    assert.deepEqual(stretchesOf({ end: "2024-05-09" }), [{ from: -Infinity, to: day.to }]);
    assert.deepEqual(stretchesOf({ event: ["2024-05-09", "2024-05-09"] }), [day, day]);
    const repeat = { boundsPeriod: { start: "2024-05-09", end: "2024-05-09" } };
    assert.deepEqual(stretchesOf({ repeat }), [day]);
  });

  test("nothing that is no date", () => {
    for (const value of ["soon", {}, { start: "soon" }, { repeat: { frequency: 1 } }, 5, null])
      assert.deepEqual(stretchesOf(value), []);
  });
});

suite("texts are read from", () => {
  test("strings, names and addresses", () => {
    assert.deepEqual(textsOf("a"), ["a"]);
    assert.deepEqual(textsOf({ use: "official", family: "a", given: ["b", "c"], suffix: ["d"] }), [
      "a",
      "b",
      "c",
      "d",
    ]);
    assert.deepEqual(textsOf({ line: ["a"], city: "b", postalCode: "c", type: "both" }), [
      "a",
      "b",
      "c",
    ]);
    assert.deepEqual(textsOf(null), []);
  });

  test("and compared without case, accents or runs of space", () => {
    assert.equal(folded("  JOSÉ\tMaría \n Ñandú"), "jose maria nandu");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        assert.equal(folded(folded(text)), folded(text));
        assert.equal(folded(text.normalize("NFC")), folded(text.normalize("NFD")));
      }),
    );
  });
});

test("values that were escaped and joined are split apart again", () => {
  const value = fc.string({ unit: fc.constantFrom("a", ",", "|", "$", "\\", "ü") });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), (values) => {
      const joined = values.map((each) => each.replaceAll(/[\\,|$]/g, "\\$&")).join(",");
      const parts = splitUnescaped(joined, ",");
      assert.deepEqual(
        parts.map((part) => part.replaceAll(/\\([\\,|$])/g, "$1")),
        values,
      );
    }),
  );
});
