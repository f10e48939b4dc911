import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { fhirScopes } from "#identity/oidc/scopes.ts";

suite("scopes of the FHIR server", () => {
  test("are those of SMART, for patients and users", () => {
    const known =
      "patient/*.rs user/*.cruds patient/Observation.r user/Patient.s patient/*.read user/*.* user/Patient.write patient/Observation.rs?category=laboratory";
    assert.deepEqual(fhirScopes(known), known.split(" "));
  });

  test("are not those of systems, with filters that look elsewhere, in another order or without a right", () => {
    const unknown =
      "system/*.rs patient/*.sr patient/*. patient/*.rs?category=x patient/Observation.rs?_id=x patient/observation.rs patient/* openid launch Patient/*.rs patient/*.rsx";
    assert.deepEqual(fhirScopes(unknown), []);
    assert.deepEqual(fhirScopes(""), []);
  });
});
