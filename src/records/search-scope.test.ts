import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { testWorld, type Got, type TestWorld } from "#records/testing.ts";
import { scopeLimits } from "#records/search-scope.ts";

const patient = (id: string): object => ({ resourceType: "Patient", id });

const team = (of: string): object => ({
  resourceType: "CareTeam",
  id: `team-${of}`,
  status: "active",
  subject: { reference: `Patient/${of}` },
  participant: [{ member: { reference: "Practitioner/doc" } }],
});

const visit = (id: string, of: string): object => ({
  resourceType: "Encounter",
  id,
  identifier: [{ value: "V-1" }],
  status: "finished",
  class: { code: "AMB" },
  subject: { reference: `Patient/${of}` },
});

/** A doctor who cares for Ana and Cem, and not for Ben. */
async function scene(t: TestContext): Promise<TestWorld> {
  const world = await testWorld(t);
  await world.bring([
    ...["ana", "ben", "cem"].map(patient),
    ...["ana", "cem"].map(team),
    ...["ana", "ben", "cem"].map((of) => visit(`visit-${of}`, of)),
  ]);
  return world;
}

const doctor = { roles: ["clinician"], practitioner: "doc" } as const;

function idsIn({ status, text }: Got): readonly string[] {
  assert.equal(status, 200, text);
  const bundle = JSON.parse(text) as { entry?: { resource: { id: string } }[] };
  return (bundle.entry ?? []).map(({ resource }) => resource.id).sort();
}

test("staff who name no patient find what is in the records of those whom they care for", async (t) => {
  const world = await scene(t);
  const asker = await world.person(doctor);
  const found = await world.askAs(asker, "GET", "/fhir/Encounter?identifier=V-1");
  assert.deepEqual(idsIn(found), ["visit-ana", "visit-cem"]);
});

test("an id finds what may be seen, and does not tell of what may not", async (t) => {
  const world = await scene(t);
  const asker = await world.person(doctor);
  const asked = async (id: string): Promise<readonly string[]> =>
    idsIn(await world.askAs(asker, "GET", `/fhir/Encounter?_id=${id}`));
  assert.deepEqual(await asked("visit-ana"), ["visit-ana"]);
  assert.deepEqual(await asked("visit-ben,visit-cem"), ["visit-cem"]);
  assert.deepEqual(await asked("visit-ben"), []);
  assert.deepEqual(await asked("no-such-visit"), []);
});

test("each patient of whom something was found has an entry in the log", async (t) => {
  const world = await scene(t);
  const asker = await world.person(doctor);
  await world.askAs(asker, "GET", "/fhir/Encounter?identifier=V-1");
  const searches = (await world.entries()).filter(({ action }) => action === "search");
  assert.equal(new Set(searches.map((entry) => entry.patient)).size, 2);
});

test("officers find nothing so, and neither does anybody without naming what", async (t) => {
  const world = await scene(t);
  const officer = await world.person({ roles: ["privacy-officer"] });
  assert.equal((await world.askAs(officer, "GET", "/fhir/Encounter?_id=visit-ana")).status, 403);
  const asker = await world.person(doctor);
  assert.equal((await world.askAs(asker, "GET", "/fhir/Encounter")).status, 400);
});

test("who cares for many must name the patient", async (t) => {
  const world = await scene(t);
  const many = Array.from({ length: scopeLimits.caredPatients }, (_, at) => `p-${at}`);
  await world.bring([...many.map(patient), ...many.map(team)]);
  const asker = await world.person(doctor);
  const refused = await world.askAs(asker, "GET", "/fhir/Encounter?identifier=V-1");
  assert.equal(refused.status, 400, refused.text);
  assert.match(refused.text, /patient/);
  assert.deepEqual(
    idsIn(await world.askAs(asker, "GET", "/fhir/Encounter?patient=cem&identifier=V-1")),
    ["visit-cem"],
  );
});
