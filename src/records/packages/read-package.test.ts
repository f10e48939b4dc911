import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { packageLimits, readPackage } from "#records/packages/read-package.ts";
import { testArchive, testPackage } from "#records/packages/testing.ts";

const valueSet = { resourceType: "ValueSet", url: "http://e.example/ValueSet/v", version: "1" };
const manifest = { name: "e.example", version: "1.0.0", fhirVersions: ["4.0.1"] };

async function whyRefused(archive: Buffer): Promise<string> {
  const read = await readPackage(archive);
  assert.ok(!read.ok);
  assert.equal(read.problem.code, "package-refused");
  return read.problem.detail ?? "";
}

suite("a FHIR package", () => {
  test("is read with its name, version and definitions, its examples left aside", async () => {
    const read = await readPackage(
      testArchive({
        "package/package.json": manifest,
        "package/ValueSet-v.json": valueSet,
        "package/.index.json": { files: [] },
        "package/ImplementationGuide-e.json": { resourceType: "ImplementationGuide" },
        "package/example/ValueSet-x.json": { ...valueSet, url: "http://e.example/x" },
      }),
    );
    assert.ok(read.ok);
    const { name, version, definitions } = read.value;
    assert.deepEqual([name, version], ["e.example", "1.0.0"]);
    assert.deepEqual(
      definitions.map(({ kind, url }) => [kind, url]),
      [["ValueSet", valueSet.url]],
    );
  });

  test("keeps of a profile what checks it, not what explains it", async () => {
    const element = { id: "Patient", path: "Patient", min: 1, definition: "long", mapping: [{}] };
    const profile = {
      resourceType: "StructureDefinition",
      url: "http://e.example/p",
      text: { status: "generated", div: "<div/>" },
      snapshot: { element: [element] },
    };
    const read = await readPackage(testPackage("p", "1", [profile]));
    assert.ok(read.ok);
    assert.deepEqual(JSON.parse(read.value.definitions[0]?.text ?? ""), {
      resourceType: "StructureDefinition",
      url: "http://e.example/p",
      snapshot: { element: [{ id: "Patient", path: "Patient", min: 1 }] },
    });
  });

  const refusals: readonly (readonly [string, Buffer, RegExp])[] = [
    ["that is no archive", Buffer.from("no archive"), /not a gzipped archive/],
    ["that is cut off", testPackage("p", "1", [valueSet]).subarray(0, 60), /damaged/],
    ["without package.json", testArchive({ "package/v.json": valueSet }), /no package\/package/],
    [
      "whose package.json is not JSON",
      testArchive({ "package/package.json": "{" }),
      /no package\/package/,
    ],
    [
      "whose name is a path",
      testArchive({ "package/package.json": { ...manifest, name: "../x" } }),
      /names no package/,
    ],
    [
      "for R5",
      testArchive({ "package/package.json": { ...manifest, fhirVersions: ["5.0.0"] } }),
      /another version of FHIR/,
    ],
    ["with nothing to check by", testArchive({ "package/package.json": manifest }), /holds no/],
    [
      "with a definition that is not JSON",
      testArchive({ "package/package.json": manifest, "package/v.json": "{" }),
      /v\.json is not JSON/,
    ],
    [
      "that unpacks to far more than it weighs",
      gzipSync(Buffer.alloc(packageLimits.unpackedBytes + 1)),
      /too large/,
    ],
  ];
  for (const [which, archive, why] of refusals)
    test(`${which} is refused in words`, async () => {
      assert.match(await whyRefused(archive), why);
    });

  test("of any bytes is read or refused, and never throws", async () => {
    const whole = testPackage("p", "1", [valueSet]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const broken = Buffer.from(whole);
          broken[at] = (broken[at] ?? 0) ^ by;
          const read = await readPackage(broken);
          assert.ok(read.ok || read.problem.code === "package-refused");
        },
      ),
      { numRuns: 100 },
    );
  });
});
