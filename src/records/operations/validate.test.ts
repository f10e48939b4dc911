import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { testPackage } from "#records/packages/testing.ts";
import { testWorld, type TestPerson, type TestWorld } from "#records/testing.ts";

const named = "http://e.example/StructureDefinition/named";

/** A profile of a Patient who has a name. */
const profile = {
  resourceType: "StructureDefinition",
  url: named,
  type: "Patient",
  kind: "resource",
  derivation: "constraint",
  baseDefinition: "http://hl7.org/fhir/StructureDefinition/Patient",
  differential: { element: [{ id: "Patient.name", path: "Patient.name", min: 1 }] },
};

async function worldWithProfile(
  t: TestContext,
): Promise<{ readonly world: TestWorld; readonly person: TestPerson }> {
  const world = await testWorld(t);
  const installed = await world.operator.request({
    method: "POST",
    path: "/internal/fhir/packages",
    headers: { "x-test-peer": "operator", "content-type": "application/gzip" },
    body: testPackage("e.example", "1.0.0", [profile]),
  });
  assert.equal(installed.statusCode, 200, await installed.body.text());
  return { world, person: await world.person({ roles: ["administrator"] }) };
}

function issuesOf(text: string): readonly JsonObject[] {
  const outcome: unknown = JSON.parse(text);
  assert.ok(isObject(outcome) && outcome.resourceType === "OperationOutcome", text);
  return listOf(outcome.issue).filter(isObject);
}

const told = (text: string): readonly unknown[] =>
  issuesOf(text).map(({ severity, expression }) => [severity, ...listOf(expression)]);

test("$validate tells what a resource lacks of R4, by its element", async (t) => {
  const { world, person } = await worldWithProfile(t);
  const body = JSON.stringify({ resourceType: "Patient", birthDate: "soon", wizard: true });
  const { status, text } = await world.askAs(person, "POST", "/fhir/Patient/$validate", { body });
  assert.equal(status, 200);
  assert.deepEqual(told(text), [
    ["error", "Patient.birthDate"],
    ["error", "Patient.wizard"],
  ]);
  assert.ok(!text.includes("soon"), "no value is repeated");
});

test("$validate checks by the profile that it is asked for, in the address or in Parameters", async (t) => {
  const { world, person } = await worldWithProfile(t);
  const resource = { resourceType: "Patient" };
  const plain = await world.askAs(person, "POST", "/fhir/Patient/$validate", {
    body: JSON.stringify(resource),
  });
  assert.deepEqual(told(plain.text), [["information"]]);
  const path = `/fhir/Patient/$validate?profile=${encodeURIComponent(named)}`;
  const asked = await world.askAs(person, "POST", path, { body: JSON.stringify(resource) });
  assert.deepEqual(told(asked.text), [["error", "Patient.name"]]);
  const parameter = [
    { name: "resource", resource },
    { name: "profile", valueUri: named },
    { name: "mode", valueCode: "create" },
  ];
  const wrapped = await world.askAs(person, "POST", "/fhir/Patient/$validate", {
    body: JSON.stringify({ resourceType: "Parameters", parameter }),
  });
  assert.deepEqual(told(wrapped.text), [["error", "Patient.name"]]);
});

test("$validate says that a profile is not installed, that a narrative holds scripts, that a type is another", async (t) => {
  const { world, person } = await worldWithProfile(t);
  const unknown = await world.askAs(
    person,
    "POST",
    "/fhir/Patient/$validate?profile=http://e.example/other",
    { body: JSON.stringify({ resourceType: "Patient" }) },
  );
  assert.match(unknown.text, /not installed/);
  const div = `<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>`;
  const body = JSON.stringify({ resourceType: "Patient", text: { status: "generated", div } });
  const scripted = await world.askAs(person, "POST", "/fhir/Patient/$validate", { body });
  assert.deepEqual(told(scripted.text), [["warning", "Patient.text.div"]]);
  const other = await world.askAs(person, "POST", "/fhir/Observation/$validate", { body });
  assert.deepEqual(told(other.text), [["error", "resourceType"]]);
});

test("a resource that claims an installed profile is written only when it follows it", async (t) => {
  const { world, person } = await worldWithProfile(t);
  const claiming = { resourceType: "Patient", meta: { profile: [named] } };
  const refused = await world.askAs(person, "POST", "/fhir/Patient", {
    body: JSON.stringify(claiming),
  });
  assert.equal(refused.status, 422, refused.text);
  assert.deepEqual(told(refused.text), [["error", "Patient.name"]]);
  const [line] = await world.bring([{ ...claiming, id: "ana" }]);
  assert.equal(line?.["code"], "resource-invalid");
  const [right] = await world.bring([{ ...claiming, id: "ana", name: [{ text: "Ana" }] }]);
  assert.equal(right?.["outcome"], "created");
});

test("a narrative of 20 MB with scripts is stored as it was sent", async (t) => {
  const world = await testWorld(t);
  const script = "<script>alert(1)</script>";
  const div = `<div xmlns="http://www.w3.org/1999/xhtml">${script.repeat(800_000)}</div>`;
  const text = { status: "generated", div };
  const narrated = {
    resourceType: "QuestionnaireResponse",
    id: "o1",
    status: "completed",
    subject: { reference: "Patient/ana" },
    text,
  };
  await world.bring([
    { resourceType: "Patient", id: "ana" },
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  const person = await world.person({ roles: ["clinician"], practitioner: "doc" });
  const path = "/fhir/QuestionnaireResponse/o1";
  const stored = await world.askAs(person, "PUT", path, { body: JSON.stringify(narrated) });
  assert.equal(stored.status, 201, stored.text.slice(0, 300));
  const read: unknown = JSON.parse((await world.askAs(person, "GET", path)).text);
  assert.ok(isObject(read) && isObject(read.text) && read.text.div === div);
});

test("$validate refuses what is no question, and a stranger", async (t) => {
  const { world, person } = await worldWithProfile(t);
  const body = JSON.stringify({ resourceType: "Patient" });
  const path = "/fhir/Patient/$validate";
  const mode = await world.askAs(person, "POST", `${path}?mode=guess`, { body });
  assert.equal(mode.status, 400);
  const broken = await world.askAs(person, "POST", path, { body: "{" });
  assert.equal(broken.status, 200);
  assert.match(broken.text, /json-broken/);
  const stranger = await world.ask("POST", path, {
    headers: { "content-type": "application/fhir+json" },
    body,
  });
  assert.equal(stranger.status, 401);
});
