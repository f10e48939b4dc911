import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { wordsOfScope } from "#identity/apps/scope-words.ts";

suite("the words of a scope", () => {
  for (const [scope, words] of [
    ["patient/*.rs", "See everything in the record"],
    ["patient/Observation.r", "See test results and vital signs"],
    ["patient/Condition.cruds", "See, add, change and delete health problems"],
    ["patient/Goal.rsc", "patient/Goal.rsc"],
    ["patient/Goal.crs", "See and add health goals"],
    ["patient/Basic.d", "Delete entries of the kind Basic"],
    [
      "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
      "See test results and vital signs (only category: laboratory)",
    ],
    [
      "user/Patient.rs",
      "See name, birth date and contact details, of everyone whose record you may open",
    ],
    ["offline_access", "Keep working while you are away, for up to 90 days"],
  ] as const)
    test(`${scope} is told as it is`, () => assert.equal(wordsOfScope(scope), words));
});
