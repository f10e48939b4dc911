import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createSplitter, type Piece } from "#cli/import/splitter.ts";
import type { Problem } from "#core/problem.ts";

function split(
  parts: readonly string[],
  itemCharsMax = 1_000_000,
): { pieces: readonly Piece[]; problem: Problem | null } {
  const splitter = createSplitter(itemCharsMax);
  const pieces: Piece[] = [];
  for (const part of parts) {
    const pushed = splitter.push(part);
    pieces.push(...pushed.pieces);
    if (pushed.problem !== null) return { pieces, problem: pushed.problem };
  }
  return { pieces, problem: splitter.end() };
}

function cut(text: string, places: readonly number[]): readonly string[] {
  const sorted = [0, ...places.map((place) => place % (text.length + 1)), text.length].sort(
    (a, b) => a - b,
  );
  return sorted.slice(1).map((end, at) => text.slice(sorted[at], end));
}

function parsed(text: string): unknown {
  return JSON.parse(text);
}

const bundles = fc.record({
  resourceType: fc.constant("Bundle"),
  id: fc.jsonValue(),
  entry: fc.array(fc.jsonValue()),
  signature: fc.jsonValue(),
});

test("however the text is cut on its way, the pieces are those of the whole", () => {
  fc.assert(
    fc.property(
      bundles,
      fc.array(fc.nat(), { maxLength: 12 }),
      fc.constantFrom(0, 2),
      (bundle, places, indent) => {
        const text = JSON.stringify(bundle, null, indent);
        const { pieces, problem } = split(cut(text, places));
        assert.equal(problem, null);
        const items = pieces.flatMap((piece) =>
          piece.kind === "item" ? [parsed(piece.text)] : [],
        );
        assert.deepEqual(items, JSON.parse(JSON.stringify(bundle.entry)));
        const members = pieces.flatMap((piece) => (piece.kind === "member" ? [piece.key] : []));
        assert.deepEqual(members, ["resourceType", "id", "signature"]);
      },
    ),
  );
});

test("one character at a time is enough", () => {
  const text =
    '{ "type" : "batch" , "entry" : [ {"a":"]}\\"" } , 1.50 , [ ] , "x\\\\" ] , "n" : -2e3 } ';
  const { pieces, problem } = split(text.split(""));
  assert.equal(problem, null);
  assert.deepEqual(pieces, [
    { kind: "member", key: "type", text: '"batch"' },
    { kind: "item", index: 0, text: '{"a":"]}\\"" }' },
    { kind: "item", index: 1, text: "1.50" },
    { kind: "item", index: 2, text: "[ ]" },
    { kind: "item", index: 3, text: '"x\\\\"' },
    { kind: "member", key: "n", text: "-2e3" },
  ]);
});

test("a text that is cut off anywhere is not whole", () => {
  const text = '{"type":"batch","entry":[{"a":1},{"b":[2]}],"id":"x"}';
  for (let end = 0; end < text.length; end += 1) {
    assert.equal(split([text.slice(0, end)]).problem?.code, "json-broken", text.slice(0, end));
  }
  assert.equal(split([text]).problem, null);
});

test("what is no object, or does not follow one's grammar, is broken", () => {
  const broken = [
    "",
    "[]",
    "1",
    '"a"',
    "{}{}",
    "{} x",
    '{"a" 1}',
    '{"a":1,}',
    '{"a":1 "b":2}',
    "{,}",
    '{"a":,}',
    '{"entry":[,]}',
    '{"entry":[1,]}',
    '{"entry":[1 2]}',
    '{"entry":[1}',
    "{a:1}",
    '{"a":1]',
  ];
  for (const text of broken) assert.equal(split([text]).problem?.code, "json-broken", text);
});

test("an entry that is not an array is a member like others", () => {
  assert.deepEqual(split(['{"entry":{"a":[1]}}']).pieces, [
    { kind: "member", key: "entry", text: '{"a":[1]}' },
  ]);
});

test("an entry deeper than the top is no entry of this Bundle", () => {
  const { pieces } = split(['{"link":{"entry":[1,2]},"entry":[3]}']);
  assert.deepEqual(
    pieces.filter(({ kind }) => kind === "item"),
    [{ kind: "item", index: 0, text: "3" }],
  );
});

test("an item over the limit is told of and passed over, and the next is read", () => {
  const text = `{"entry":[{"a":"${"x".repeat(200)}"},{"b":1}]}`;
  for (const parts of [[text], cut(text, [50, 90, 130, 180])]) {
    assert.deepEqual(split(parts, 100).pieces, [
      { kind: "tooLarge", index: 0 },
      { kind: "item", index: 1, text: '{"b":1}' },
    ]);
  }
});

test("a long member other than entry is passed over", () => {
  const { pieces, problem } = split([`{"signature":"${"x".repeat(70_000)}","type":"batch"}`]);
  assert.equal(problem, null);
  assert.deepEqual(pieces, [{ kind: "member", key: "type", text: '"batch"' }]);
});
