import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { placeOf } from "#records/router.ts";

for (const [path, place] of [
  ["/fhir", { kind: "system" }],
  ["/fhir/metadata", { kind: "metadata" }],
  ["/fhir/Patient", { kind: "type", type: "Patient" }],
  ["/fhir/Patient/_search", { kind: "search-form", type: "Patient" }],
  ["/fhir/Patient/a-1.b", { kind: "instance", type: "Patient", id: "a-1.b" }],
  ["/fhir/Patient/a/_history", { kind: "history", type: "Patient", id: "a" }],
  ["/fhir/Patient/a/_history/12", { kind: "version", type: "Patient", id: "a", version: 12 }],
  ["/api/records/access-log", { kind: "access-log" }],
  ["/api/records/log", { kind: "checkpoint" }],
  ["/internal/import", { kind: "import" }],
] as const)
  test(`${path} is ${place.kind}`, () => {
    assert.deepEqual(placeOf(path), place);
  });

for (const path of [
  "",
  "/",
  "/fhirx",
  "/fhir/patient",
  "/fhir/Patient/a/",
  "/fhir/Patient/a/b",
  "/fhir/Patient/a/_history/0",
  "/fhir/Patient/a/_history/1/2",
  "/fhir/Patient/%61",
  "/fhir/Patient/../Observation",
  "/fhir/Patient/_search/x",
  "/fhir//Patient",
  "/api/records",
  "/internal/import/",
])
  test(`there is nothing at "${path}"`, () => {
    assert.equal(placeOf(path), null);
  });

test("any path is either a place or nothing, and never throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (rest) => {
      const place = placeOf(`/fhir/${rest}`);
      assert.ok(place === null || "kind" in place);
    }),
  );
});
