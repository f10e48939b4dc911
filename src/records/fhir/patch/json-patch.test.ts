import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseExact, plainOf, writeExact } from "#records/fhir/patch/exact-json.ts";
import { parseJsonPatch } from "#records/fhir/patch/json-patch.ts";

function patched(resource: string, patch: unknown): string {
  const parsed = parseJsonPatch(typeof patch === "string" ? patch : JSON.stringify(patch));
  if (!parsed.ok) return parsed.problem.code;
  const done = parsed.value(resource);
  return done.ok ? done.value : `${done.problem.code} ${done.problem.at ?? ""}`;
}

const resource = `{"value":1.10,"big":1e400,"list":[1.0,{"a":-0.00}],"text":"1.10"}`;

test("numbers that a patch does not touch stay as they were written", () => {
  assert.equal(
    patched(resource, '[{"op":"add","path":"/new","value":2.50}]'),
    `{"value":1.10,"big":1e400,"list":[1.0,{"a":-0.00}],"text":"1.10","new":2.50}`,
  );
});

test("any JSON is written as it was read but for space, and reads the same as plain", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const tree = parseExact(text);
      if (!tree.ok) return;
      assert.deepEqual(plainOf(tree.value), JSON.parse(text));
      assert.deepEqual(JSON.parse(writeExact(tree.value)), JSON.parse(text));
    }),
  );
});

test("a text that looks like a kept number is refused, not turned into one", () => {
  assert.equal(patched('{"a":"\\u00005"}', []), "json-broken ");
  assert.equal(
    patched("{}", String.raw`[{"op":"add","path":"/a","value":"x\"\u00005"}]`),
    "json-broken",
  );
});

for (const [what, patch, out] of [
  [
    "test of an equal number in other digits",
    [{ op: "test", path: "/value", value: 1.1 }],
    resource,
  ],
  ["test of another value", [{ op: "test", path: "/value", value: 1.2 }], "patch-refused [0]"],
  [
    "test of null where nothing is",
    [{ op: "test", path: "/no", value: null }],
    "patch-refused [0]",
  ],
  ["removal of what is not there", [{ op: "remove", path: "/no" }], "patch-refused [0]"],
  [
    "removal by the length of a list",
    [{ op: "remove", path: "/list/length" }],
    "patch-refused [0]",
  ],
  ["removal by no index", [{ op: "remove", path: "/list/1x" }], "patch-refused [0]"],
  [
    "a replacement beyond a list",
    [{ op: "replace", path: "/list/2", value: 1 }],
    "patch-refused [0]",
  ],
  [
    "a replacement before a list",
    [{ op: "replace", path: "/list/-1", value: 1 }],
    "patch-refused [0]",
  ],
  ["a replacement of the whole", [{ op: "replace", path: "", value: {} }], "patch-refused [0]"],
  [
    "an addition far behind a list",
    [{ op: "add", path: "/list/9", value: 1 }],
    "patch-refused [0]",
  ],
  ["an addition within a text", [{ op: "add", path: "/text/0", value: 1 }], "patch-refused [0]"],
  [
    "an addition to a prototype",
    [{ op: "add", path: "/__proto__/x", value: 1 }],
    "patch-refused [0]",
  ],
  ["a new prototype", [{ op: "add", path: "/__proto__", value: {} }], "patch-refused [0]"],
  ["a move into itself", [{ op: "move", from: "/list", path: "/list/0" }], "patch-refused [0]"],
  [
    "a second operation that fails",
    [
      { op: "remove", path: "/big" },
      { op: "remove", path: "/big" },
    ],
    "patch-refused [1]",
  ],
  ["an unknown operation", [{ op: "merge", path: "/a" }], "patch-refused"],
  ["no pointer", [{ op: "remove", path: "value" }], "patch-refused"],
  ["a pointer with a lone tilde", [{ op: "remove", path: "/~2" }], "patch-refused"],
  ["an addition of nothing", [{ op: "add", path: "/a" }], "patch-refused"],
  ["no list", { op: "remove", path: "/value" }, "patch-refused"],
  ["broken JSON", "[", "json-broken"],
  [
    "too many operations",
    Array.from({ length: 1_001 }, () => ({ op: "remove", path: "/a" })),
    "too-costly",
  ],
] as const)
  test(`${what} is answered with ${out === resource ? "success" : out}`, () => {
    assert.equal(patched(resource, patch), out);
  });

test("each operation of RFC 6902 does what it says, in order", () => {
  assert.equal(
    patched('{"a":{"b":[1,2.0,3]},"c/d":0}', [
      { op: "move", from: "/a/b/0", path: "/a/b/2" },
      { op: "copy", from: "/a/b/0", path: "/a/b/-" },
      { op: "replace", path: "/c~1d", value: [] },
      { op: "add", path: "/c~1d/-", value: { n: null } },
      { op: "remove", path: "/a/b/1" },
    ]),
    '{"a":{"b":[2.0,1,2.0]},"c/d":[{"n":null}]}',
  );
});

test("copies that double each time are stopped", () => {
  const copies = Array.from({ length: 60 }, () => ({ op: "copy", from: "/a", path: "/a/-" }));
  assert.match(patched('{"a":["0123456789"]}', copies), /^too-costly/);
});
