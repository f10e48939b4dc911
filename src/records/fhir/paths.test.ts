import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { evalFhirPath } from "@medplum/core";
import { searchParameterDefinitions } from "#records/fhir/definitions.ts";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { compilePath, isPlainPath } from "#records/fhir/paths.ts";
import { parsedOf, sharedData, syntheticTexts, vectors } from "#records/fhir/testing.ts";

const resources = ["valid", "compartments", "searches"]
  .flatMap((name) => vectors(name))
  .flatMap(({ resource }) => (resource === undefined ? [] : [resource]));

/** Every path of a search parameter of R4, with the type that it begins at. */
const paths = [
  ...new Set(
    searchParameterDefinitions().flatMap(({ expression = "" }) => expression.split(" | ")),
  ),
].flatMap((path) => {
  const type = /^\(?([A-Z]\w+)\./.exec(path)?.[1];
  return type === undefined ? [] : [{ path, type }];
});

/** The library does not read `resolve() is X` without a server: there the plain path is compared. */
const comparable = (path: string): string => path.replace(/\.where\(resolve\(\) is \w+\)/, "");

function compare(resource: JsonObject): number {
  let values = 0;
  for (const { path, type } of paths) {
    if (type !== resource.resourceType) continue;
    const plain = comparable(path);
    const read = compilePath(plain, type)(resource);
    assert.deepEqual(read, evalFhirPath(plain, resource), `${path} of ${type}`);
    values += read.length;
  }
  return values;
}

suite("a compiled path", () => {
  test("reads what the library's FHIRPath reads, over all paths and vectors", () => {
    const values = resources.reduce((sum, resource) => sum + compare(resource), 0);
    assert.ok(values > 150, `only ${values} values were compared`);
  });

  const { folder, skip } = sharedData(process.env);
  test("reads what the library's FHIRPath reads from synthetic patients", { skip }, () => {
    let compared = 0;
    let at = 0;
    for (const text of syntheticTexts(folder)) {
      at += 1;
      if (at % 50 !== 0) continue;
      const { value } = parsedOf(text);
      if (isObject(value)) compared += compare(value);
    }
    assert.ok(compared > 1_000, `only ${compared} values were compared`);
  });

  test("is what nearly all of R4's parameters need: the rest is left to the library", () => {
    const others = paths.filter(({ path, type }) => !isPlainPath(path, type));
    assert.ok(paths.length > 1_000);
    // They reach into conformance resources, or say more than a path.
    assert.ok(others.length < 45, others.map(({ path }) => path).join("\n"));
    assert.ok(others.some(({ path }) => path.startsWith("Patient.deceased")));
  });

  test("keeps of the references those to the type asked for", () => {
    const subjects = [
      { reference: "Patient/p1" },
      { reference: "Group/g1" },
      { reference: "https://elsewhere.example/fhir/Patient/p2" },
      { type: "Patient", identifier: { value: "x" } },
      { display: "Patient/p3" },
    ];
    const read = compilePath("Account.subject.where(resolve() is Patient)", "Account");
    assert.deepEqual(read({ resourceType: "Account", subject: subjects }), [
      subjects[0],
      subjects[2],
      subjects[3],
    ]);
  });
});
