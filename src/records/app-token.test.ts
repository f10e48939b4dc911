import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { testWorld, type PersonFacts, type TestPerson, type TestWorld } from "#records/testing.ts";

const patient = (id: string) => ({ resourceType: "Patient", id, name: [{ family: id }] });

const observation = (id: string, of: string, category: string, security: object = {}) => ({
  resourceType: "Observation",
  id,
  ...security,
  status: "final",
  category: [
    {
      coding: [
        { system: "http://terminology.hl7.org/CodeSystem/observation-category", code: category },
      ],
    },
  ],
  code: { text: "a test" },
  subject: { reference: `Patient/${of}` },
});

async function filled(t: Parameters<typeof testWorld>[0]): Promise<TestWorld> {
  const world = await testWorld(t);
  await world.bring([
    patient("child"),
    patient("parent"),
    observation("lab", "child", "laboratory"),
    observation("vital", "child", "vital-signs"),
    observation("hers", "parent", "laboratory"),
  ]);
  return world;
}

const family: PersonFacts = { roles: ["patient", "proxy"], patients: ["parent", "child"] };

/** Asks with a token that says what an app's would say. */
function askWith(world: TestWorld, person: TestPerson, claims: Readonly<Record<string, unknown>>) {
  return (path: string) => {
    const token = person.token(claims);
    const dpop = person.proof({ method: "GET", path, token });
    return world.ask("GET", path, { headers: { authorization: `DPoP ${token}`, dpop } });
  };
}

const idsIn = (text: string): readonly string[] =>
  (JSON.parse(text) as { entry?: { resource: { id: string } }[] }).entry
    ?.map(({ resource }) => resource.id)
    .sort() ?? [];

suite("the token of an app", () => {
  test("opens the record of the patient it was launched for, and no other of the person's", async (t) => {
    const world = await filled(t);
    const person = await world.person(family);
    const ask = askWith(world, person, { scope: "patient/*.rs", patient: "child" });
    assert.equal((await ask("/fhir/Patient/child")).status, 200);
    assert.equal((await ask("/fhir/Patient/parent")).status, 404);
    assert.deepEqual(idsIn((await ask("/fhir/Observation")).text), ["lab", "vital"]);
    assert.equal((await ask("/fhir/Observation?patient=parent")).status, 403);
  });

  test("opens nothing of a patient it was launched for whom policy keeps from the person", async (t) => {
    const world = await filled(t);
    const person = await world.person({ roles: ["patient"], patients: ["parent"] });
    const ask = askWith(world, person, { scope: "patient/*.rs", patient: "child" });
    assert.equal((await ask("/fhir/Patient/child")).status, 404);
    assert.equal((await ask("/fhir/Patient/parent")).status, 404);
  });

  test("shows of a narrowed scope what answers it, in readings, searches and what comes along", async (t) => {
    const world = await filled(t);
    const person = await world.person(family);
    const scope = "patient/Patient.rs patient/Observation.rs?category=laboratory";
    const ask = askWith(world, person, { scope, patient: "child" });
    assert.equal((await ask("/fhir/Observation/lab")).status, 200);
    assert.equal((await ask("/fhir/Observation/vital")).status, 404);
    assert.equal((await ask("/fhir/Observation/vital/_history")).status, 404);
    const found = await ask("/fhir/Observation");
    assert.deepEqual(idsIn(found.text), ["lab"]);
    assert.equal((JSON.parse(found.text) as { total: number }).total, 1);
    const along = await ask("/fhir/Patient?_id=child&_revinclude=Observation:patient");
    assert.deepEqual(idsIn(along.text), ["child", "lab"]);
    const whole = await ask("/fhir/Patient/child/$everything");
    assert.ok(!whole.text.includes("vital"), whole.text);
  });

  test("bound to no key is believed as Bearer alone, and says so itself", async (t) => {
    const world = await filled(t);
    const person = await world.person({ ...family, deviceLevel: 0 });
    const unbound = { cnf: undefined, unbound: true };
    const status = async (scheme: string, claims: object): Promise<number> =>
      (
        await world.ask("GET", "/fhir/Patient/child", {
          headers: { authorization: `${scheme} ${person.token({ ...claims })}` },
        })
      ).status;
    assert.equal(await status("Bearer", unbound), 200);
    assert.equal(await status("DPoP", unbound), 401);
    assert.equal(await status("Bearer", { cnf: undefined }), 401);
    assert.equal(await status("Bearer", {}), 401);
  });

  test("bound to no key is refused for a session whose device has one", async (t) => {
    const world = await filled(t);
    const person = await world.person(family);
    const token = person.token({ cnf: undefined, unbound: true });
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await world.ask("GET", "/fhir/Patient/child", { headers })).status, 401);
  });

  test("bound to no key lets nobody write, take a copy or see who looked", async (t) => {
    const world = await filled(t);
    const person = await world.person({ ...family, deviceLevel: 0 });
    const token = person.token({ cnf: undefined, unbound: true, scope: "patient/*.cruds" });
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ["/fhir/Patient/child/$everything", "/api/records/access-log?patient=child"])
      assert.ok([403, 404].includes((await world.ask("GET", path, { headers })).status), path);
    const written = await world.ask("POST", "/fhir/Observation", {
      headers: { ...headers, "content-type": "application/fhir+json" },
      body: JSON.stringify({ ...observation("", "child", "laboratory"), id: undefined }),
    });
    assert.equal(written.status, 403, written.text);
  });
});
