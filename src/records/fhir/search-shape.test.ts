import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { parseResourceType, type ResourceType } from "#core/ids.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import { membersOfObject, objectOf } from "#records/fhir/json-text.ts";
import { parseSearch } from "#records/fhir/search.ts";
import { vectors } from "#records/fhir/testing.ts";

const typeOf = (name: string): ResourceType => parseResourceType(name) ?? assert.fail();

const text = `{
  "resourceType": "Observation", "id": "x1",
  "meta": {"versionId": "1", "tag": [{"code": "mine"}]},
  "text": {"status": "generated", "div": "<div xmlns=\\"http://www.w3.org/1999/xhtml\\">a</div>"},
  "language": "en",
  "status": "final", "_status": {"id": "s"},
  "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}], "text": "A \\"quote\\", a {brace}"},
  "subject": {"reference": "Patient/p1", "extension": [{"url": "http://e.example/x", "valueCode": "y"}]},
  "valueQuantity": {"value": 6.10, "unit": "%"},
  "note": [{"text": "said"}],
  "component": [
    {"code": {"text": "c"}, "valueQuantity": {"value": 1.00e2}, "interpretation": [{"text": "high"}]}
  ]
}`;

function shaped(query: string, type = "Observation", resource = text): string {
  const plan = parseSearch(typeOf(type), new URLSearchParams(query));
  assert.ok(plan.ok && plan.value.shape !== null, JSON.stringify(plan));
  return plan.value.shape(resource, typeOf("Observation"));
}

const keysOf = (resource: string): readonly string[] =>
  membersOfObject(resource).map(({ key }) => key);

const subsetted =
  /"system":"http:\/\/terminology.hl7.org\/CodeSystem\/v3-ObservationValue","code":"SUBSETTED"/;

suite("a resource is shown", () => {
  test("with the elements asked for, its mandatory ones and those that change its meaning", () => {
    assert.deepEqual(keysOf(shaped("_elements=value,note")), [
      "resourceType",
      "id",
      "meta",
      "status",
      "_status",
      "code",
      "valueQuantity",
      "note",
    ]);
    assert.deepEqual(keysOf(shaped("_elements=valueQuantity")).at(-1), "valueQuantity");
  });

  test("with what a summary holds, at every depth", () => {
    const all = shaped("_summary=true");
    for (const key of ["note", "interpretation", "extension", "_status", "language", "div"])
      assert.ok(!all.includes(`"${key}":`), key);
    assert.deepEqual(keysOf(all), [
      "resourceType",
      "id",
      "meta",
      "status",
      "code",
      "subject",
      "valueQuantity",
      "component",
    ]);
  });

  test("by its narrative, or by all but it", () => {
    assert.deepEqual(keysOf(shaped("_summary=text")), [
      "resourceType",
      "id",
      "meta",
      "text",
      "status",
      "_status",
      "code",
    ]);
    assert.deepEqual(
      keysOf(shaped("_summary=data")),
      keysOf(text).filter((key) => key !== "text"),
    );
  });

  test("marked as a part, its own tags kept, and every number and text as it was written", () => {
    for (const query of ["_elements=value", "_summary=true", "_summary=text", "_summary=data"]) {
      const part = shaped(query);
      assert.match(part, subsetted, query);
      assert.match(part, /{"code": ?"mine"},/, query);
    }
    assert.match(shaped("_elements=value"), /"value": 6.10,/);
    assert.match(shaped("_summary=true"), /"value":1.00e2/);
    assert.ok(shaped("_elements=code").includes('"text": "A \\"quote\\", a {brace}"'));
    const bare = '{"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"}}';
    assert.match(shaped("_summary=data", "Observation", bare), subsetted);
  });

  test("whole when it was included and only elements of another type were asked for", () => {
    assert.equal(shaped("_elements=name", "Patient"), text);
  });
});

test("a search for everything, or for the count alone, shapes nothing", () => {
  for (const query of ["", "_summary=false", "_summary=count"]) {
    const plan = parseSearch(typeOf("Observation"), new URLSearchParams(query));
    assert.ok(plan.ok && plan.value.shape === null, query);
  }
});

test("elements that are none are refused", () => {
  for (const query of [
    "_elements=shoe",
    "_elements=",
    "_elements=code.text",
    "_elements=code&_summary=true",
  ]) {
    const plan = parseSearch(typeOf("Observation"), new URLSearchParams(query));
    assert.ok(!plan.ok);
    assert.deepEqual(
      [plan.problem.code, plan.problem.at],
      ["parameter-invalid", "_elements"],
      query,
    );
  }
});

/** Whether all that is in `part` is in `whole` as well, but for the mark of a part. */
function isPartOf(part: unknown, whole: unknown): boolean {
  if (Array.isArray(part) && Array.isArray(whole)) {
    const rest = [...listOf(whole)];
    // What is left of a list keeps its order.
    return part.every((item) => {
      const at = rest.findIndex((each) => isPartOf(item, each));
      if (at !== -1) rest.splice(0, at + 1);
      return at !== -1 || JSON.stringify(item).includes("SUBSETTED");
    });
  }
  if (!isObject(part) || !isObject(whole)) return part === whole;
  return Object.entries(part).every(([key, value]) =>
    key === "meta" || key === "tag" ? true : isPartOf(value, whole[key]),
  );
}

test("of every resource, a part holds nothing that the whole does not, and says which it is", () => {
  let shapes = 0;
  for (const { resource } of ["valid", "compartments", "searches"].flatMap(vectors)) {
    if (resource === undefined) continue;
    const type = typeOf(String(resource.resourceType));
    for (const query of ["_summary=true", "_summary=text", "_summary=data", "_elements=id"]) {
      const plan = parseSearch(type, new URLSearchParams(query));
      assert.ok(plan.ok);
      const part: unknown = JSON.parse(plan.value.shape?.(JSON.stringify(resource), type) ?? "");
      assert.ok(isObject(part) && isPartOf(part, resource), `${type}?${query}`);
      assert.deepEqual([part.resourceType, part.id], [resource.resourceType, resource.id]);
      assert.match(JSON.stringify(part.meta), subsetted);
      shapes += 1;
    }
  }
  assert.ok(shapes > 100, String(shapes));
});

test("the members of any object, put together again, are the object", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(undefined, 2),
      (value, indent) => {
        const written = JSON.stringify(value, null, indent);
        const again = objectOf(membersOfObject(written));
        assert.equal(JSON.stringify(JSON.parse(again)), JSON.stringify(value));
      },
    ),
  );
});
