import assert from "node:assert/strict";
import { test } from "node:test";
import { nameIn } from "#records/names.ts";

for (const [name, shown] of [
  [[{ text: "Dr. Ada Lovelace", family: "Lovelace" }], "Dr. Ada Lovelace"],
  [[{ prefix: ["Dr."], given: ["Ada", "B."], family: "Lovelace" }], "Dr. Ada B. Lovelace"],
  [[{ given: ["Ada"] }, { given: ["Other"] }], "Ada"],
  [[{ family: "Lovelace" }], "Lovelace"],
  [[{}], null],
  [[], null],
  [undefined, null],
  ["Ada", null],
] as const)
  test(`the name ${JSON.stringify(name)} is read as ${shown ?? "none"}`, () => {
    assert.equal(nameIn({ resourceType: "Practitioner", name }), shown);
  });

test("what is no resource has no name", () => {
  for (const value of [null, "x", 3, []]) assert.equal(nameIn(value), null);
});
