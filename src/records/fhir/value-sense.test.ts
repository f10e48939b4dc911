import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { assess } from "#records/fhir/assess.ts";
import { r4Alone } from "#records/fhir/conformance.ts";

function told(resource: object): readonly string[] {
  const assessed = assess(JSON.stringify(resource), { conformance: r4Alone, profiles: [] });
  assert.ok(assessed.ok);
  return assessed.value
    .filter(({ severity }) => severity === "error")
    .map(({ at, detail }) => `${at}: ${detail}`);
}

const coded = (coding: object): object => ({
  resourceType: "Observation",
  status: "final",
  code: { coding: [coding] },
});

const attached = (size: number): object => ({
  resourceType: "DocumentReference",
  status: "current",
  content: [{ attachment: { contentType: "text/plain", data: "aGVsbG8=", size } }],
});

const bundle = (more: object): object => ({ resourceType: "Bundle", type: "searchset", ...more });
const patient = { resourceType: "Patient", id: "p" };

suite("$validate tells of", () => {
  const wrong: readonly (readonly [string, object, RegExp])[] = [
    ["a size that is not that of the data", attached(6), /size/],
    ["a system that is a word", coded({ system: "loinc", code: "x" }), /not an absolute address/],
    [
      "a code that its system does not have",
      coded({ system: "http://hl7.org/fhir/administrative-gender", code: "wizard" }),
      /system does not have/,
    ],
    [
      "a value set in place of a system",
      coded({ system: "http://hl7.org/fhir/ValueSet/administrative-gender", code: "male" }),
      /value set where/,
    ],
    [
      "a fullUrl that is no address",
      bundle({ entry: [{ fullUrl: "Patient/p", resource: patient }] }),
      /fullUrl/,
    ],
    [
      "a link of one relation twice",
      bundle({
        link: [
          { relation: "self", url: "u" },
          { relation: "self", url: "v" },
        ],
      }),
      /twice/,
    ],
    [
      "a match without id",
      bundle({ entry: [{ resource: { resourceType: "Patient" } }] }),
      /without an id/,
    ],
    [
      "a canonical url that is relative",
      { resourceType: "ValueSet", status: "draft", url: "ValueSet/v" },
      /canonical url/,
    ],
    [
      "a vital sign that does not follow its profile, unsaid",
      coded({ system: "http://loinc.org", code: "8310-5" }),
      /by the profile/,
    ],
  ];
  for (const [what, resource, why] of wrong)
    test(what, () => {
      const found = told(resource);
      assert.ok(
        found.some((each) => why.test(each)),
        found.join("; "),
      );
    });

  const right: readonly (readonly [string, object])[] = [
    ["a true size", attached(5)],
    ["a code of a system that is not at hand", coded({ system: "http://e.example/c", code: "x" })],
    [
      "a code that R4 has",
      coded({ system: "http://hl7.org/fhir/administrative-gender", code: "male" }),
    ],
    [
      "a bundle of a search",
      bundle({ entry: [{ fullUrl: "http://e.example/Patient/p", resource: patient }] }),
    ],
  ];
  for (const [what, resource] of right)
    test(`nothing in ${what}`, () => assert.deepEqual(told(resource), []));
});
