import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { parsePseudonym, parseResourceId, parseResourceType } from "#core/ids.ts";

suite("ids", () => {
  test("for all uuids in lower case: a pseudonym parses to itself", () => {
    fc.assert(fc.property(fc.uuid(), (text) => assert.equal(parsePseudonym(text), text)));
  });

  test("a uuid in upper case, with braces or cut short is no pseudonym", () => {
    for (const text of [
      "9B2F0C2A-0000-4000-8000-000000000000",
      "{9b2f0c2a-0000-4000-8000-000000000000}",
      "9b2f0c2a",
    ]) {
      assert.equal(parsePseudonym(text), null);
    }
  });

  test("a FHIR id has 1 to 64 characters of its alphabet", () => {
    assert.equal(parseResourceId("a.B-9"), "a.B-9");
    assert.equal(parseResourceId("x".repeat(64)), "x".repeat(64));
    for (const text of ["", "x".repeat(65), "a/b", "a_b", "ä", "a\n"])
      assert.equal(parseResourceId(text), null, JSON.stringify(text));
  });

  test("a resource type is one capitalised word", () => {
    assert.equal(parseResourceType("MedicationRequest"), "MedicationRequest");
    for (const text of ["patient", "Patient ", "P", "Patient/1", "__proto__"])
      assert.equal(parseResourceType(text), null);
  });
});
