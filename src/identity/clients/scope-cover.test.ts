import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { coveredScopes, isPersonScope, isServiceScope } from "#identity/clients/scope-cover.ts";

suite("the scopes that a client may have", () => {
  test("are those allowed, or on less of the same data", () => {
    const allowed = ["openid", "patient/*.rs", "user/Observation.r?category=laboratory"];
    const covered = (asked: string): boolean => coveredScopes([asked], allowed).length === 1;
    for (const asked of [
      "openid",
      "patient/*.rs",
      "patient/*.r",
      "patient/Observation.rs",
      "patient/Observation.read",
      "patient/Observation.rs?category=laboratory",
      "user/Observation.r?category=laboratory",
    ])
      assert.ok(covered(asked), asked);
    for (const asked of [
      "fhirUser",
      "patient/*.cruds",
      "patient/*.write",
      "user/*.rs",
      "user/Observation.r",
      "user/Observation.rs?category=laboratory",
      "user/Observation.r?category=vital-signs",
      "system/*.rs",
      "",
    ])
      assert.ok(!covered(asked), asked);
  });

  test("tell services from persons, whatever is asked", () => {
    fc.assert(fc.property(fc.string(), (text) => !(isPersonScope(text) && isServiceScope(text))));
    assert.ok(isServiceScope("system/*.rs") && isServiceScope("system/Patient.r"));
    assert.ok(!isServiceScope("system/*.c") && !isServiceScope("system/*.") && !isServiceScope(""));
    assert.ok(isPersonScope("launch/patient") && !isPersonScope("admin"));
  });

  test("never grow when fewer are allowed", () => {
    const scope = fc.constantFrom("patient/*.rs", "patient/A1.r", "user/*.cruds", "openid", "x");
    fc.assert(
      fc.property(fc.array(scope), fc.array(scope), scope, (asked, allowed, more) => {
        const less = coveredScopes(asked, allowed);
        const wider = coveredScopes(asked, [...allowed, more]);
        return less.every((one) => wider.includes(one));
      }),
    );
  });
});
