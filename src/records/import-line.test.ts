import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { outcomeLine, parseImportLine } from "#records/import-line.ts";

const patient = '{"resourceType":"Patient","id":"ana","multipleBirthInteger":1.0e0}';

test("a line in the usual order keeps every character of its resource", () => {
  const line = parseImportLine(`{"file":"a.json","entry":3,"resource":${patient}}`);
  assert.ok(line.ok);
  assert.equal(line.parsed.text, patient);
  assert.deepEqual(line.source, { file: "a.json", entry: 3 });
});

test("a line in any other order or spacing means the same", () => {
  const line = parseImportLine(` { "resource" : ${patient} , "entry" : 3, "file" : "a.json" } `);
  assert.ok(line.ok);
  assert.equal(line.parsed.text, patient);
  assert.deepEqual(line.source, { file: "a.json", entry: 3 });
});

test("a file name comes back as it was, whatever it holds", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(999_999), (file, entry) => {
      const line = parseImportLine(
        `{"file":${JSON.stringify(file)},"entry":${entry},"resource":${patient}}`,
      );
      assert.ok(line.ok);
      assert.deepEqual(line.source, { file, entry });
    }),
  );
});

for (const [what, line, code] of [
  ["text that is no JSON", "hello", "json-broken"],
  ["a line cut off", `{"file":"a","entry":1,"resource":{"resourceType":"Pat`, "json-broken"],
  ["two resources in one line", `{"file":"a","entry":1,"resource":${patient}},{}}`, "json-broken"],
  ["a line without its file", `{"entry":1,"resource":${patient}}`, "parameter-invalid"],
  [
    "an entry that is no number",
    `{"file":"a","entry":"1","resource":${patient}}`,
    "parameter-invalid",
  ],
  ["a line of an array", `[1]`, "parameter-invalid"],
  [
    "a key twice",
    `{"file":"a","entry":1,"resource":{"resourceType":"Patient","id":"a","id":"b"}}`,
    "json-duplicate-key",
  ],
  [
    "a resource without an id",
    `{"file":"a","entry":1,"resource":{"resourceType":"Patient"}}`,
    "resource-invalid",
  ],
  [
    "an unknown type",
    `{"file":"a","entry":1,"resource":{"resourceType":"Spaceship","id":"a"}}`,
    "resource-type-unknown",
  ],
  [
    "a resource against R4",
    `{"file":"a","entry":1,"resource":{"resourceType":"Patient","id":"a","birthDate":"soon"}}`,
    "resource-invalid",
  ],
] as const)
  test(`${what} is refused as ${code}`, () => {
    const parsed = parseImportLine(line);
    assert.equal(parsed.ok ? "taken" : parsed.problem.code, code);
  });

test("a refused resource is still named by its file and entry", () => {
  const parsed = parseImportLine(
    `{"file":"a.json","entry":7,"resource":{"resourceType":"Patient"}}`,
  );
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.source, { file: "a.json", entry: 7 });
});

test("no line makes the parser throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseImportLine(text);
      parseImportLine(`{"file":"a","entry":1,"resource":${text}}`);
    }),
  );
});

test("an outcome is one line, with code and place when it was refused", () => {
  const source = { file: "a\nb", entry: 2 };
  const created = outcomeLine(source, { kind: "created" });
  assert.ok(!created.includes("\n"));
  assert.deepEqual(JSON.parse(created), { ...source, outcome: "created" });
  const refused = outcomeLine(source, {
    kind: "refused",
    problem: { code: "resource-invalid", at: "Patient.id", detail: "is required" },
  });
  assert.deepEqual(JSON.parse(refused), {
    ...source,
    outcome: "refused",
    code: "resource-invalid",
    at: "Patient.id",
    detail: "is required",
  });
});
