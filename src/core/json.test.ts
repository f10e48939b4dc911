import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { scanJson, spliceJson } from "#core/json.ts";

const depth = 50;

function codeOf(text: string): string {
  const scanned = scanJson(text, depth);
  return scanned.ok ? "ok" : scanned.problem.code;
}

function accepted(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

suite("scanJson", () => {
  test("for all JSON values: their text is accepted", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(4), (value, indent) => {
        assert.equal(codeOf(JSON.stringify(value, null, indent)), "ok");
      }),
    );
  });

  test("for all texts without duplicate keys: it accepts what JSON.parse accepts and nothing else", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"b\\n"',
      '"\\u12g4"',
      "1",
      "-0",
      "01",
      "1.50",
      "1e5",
      ".5",
      "true",
      "nul",
      " ",
      "\n",
      '"',
      "\\",
      "\u0001",
      "é",
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 9 }).map((parts) => parts.join("")),
        (text) => {
          const code = codeOf(text);
          if (code !== "json-duplicate-key") assert.equal(code === "ok", accepted(text), text);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test("a key named twice in one object is refused, also when one is written with escapes", () => {
    assert.equal(codeOf('{"a":1,"a":1}'), "json-duplicate-key");
    assert.equal(codeOf('{"x":[{"a":1,"\\u0061":2}]}'), "json-duplicate-key");
    assert.equal(codeOf('{"a":{"a":{"a":1}},"b":{"a":1}}'), "ok");
  });

  test("nesting is allowed to the limit and refused one deeper", () => {
    const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
    assert.equal(codeOf(nested(depth)), "ok");
    assert.equal(codeOf(nested(depth + 1)), "ok");
    assert.equal(codeOf(nested(depth + 2)), "json-too-deep");
    assert.equal(codeOf(`${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`), "json-too-deep");
  });

  test("a string of 16 MB does not exhaust anything", () => {
    assert.equal(codeOf(JSON.stringify({ div: 'x\\"'.repeat(4_000_000) })), "ok");
  });

  test("a refusal names line and column, and nothing of the text", () => {
    const scanned = scanJson('{\n  "name": "Ana",\n  "name": "Eva"\n}', depth);
    assert.equal(scanned.ok, false);
    if (!scanned.ok) assert.equal(scanned.problem.detail, "line 3, column 3");
  });
});

suite("spliceJson", () => {
  const keys = fc.constantFrom("id", "meta", "name", "value", "text");

  test("for all objects: the set keys read back as set, all others as they were", () => {
    fc.assert(
      fc.property(
        fc.dictionary(keys, fc.jsonValue({ maxDepth: 3 })),
        fc.dictionary(keys, fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 }),
        fc.nat(3),
        (before, set, indent) => {
          const text = JSON.stringify(before, null, indent);
          const scanned = scanJson(text, depth);
          assert.ok(scanned.ok);
          const values = Object.fromEntries(
            Object.entries(set).map(([name, value]) => [name, JSON.stringify(value)]),
          );
          const after: unknown = JSON.parse(spliceJson(text, scanned.value, values));
          assert.deepEqual(after, JSON.parse(JSON.stringify({ ...before, ...set })));
        },
      ),
    );
  });

  test("every character outside the set values is kept: decimals keep their trailing zeros", () => {
    const text = '{ "value" : 1.500, "id":"a" ,"big": 12345678901234567890 }';
    const scanned = scanJson(text, depth);
    assert.ok(scanned.ok);
    assert.equal(
      spliceJson(text, scanned.value, { id: '"b"', meta: '{"versionId":"1"}' }),
      '{"meta":{"versionId":"1"}, "value" : 1.500, "id":"b" ,"big": 12345678901234567890 }',
    );
  });
});
