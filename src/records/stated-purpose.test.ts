import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

const of = { reference: "Patient/ana" };

async function scene(t: TestContext): Promise<TestWorld> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Observation", id: "o", status: "final", code: { text: "x" }, subject: of },
    {
      resourceType: "Immunization",
      id: "i",
      status: "completed",
      vaccineCode: { text: "x" },
      patient: of,
      occurrenceDateTime: "2024-01-01",
    },
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: of,
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  return world;
}

const people = {
  clinician: { roles: ["clinician"], practitioner: "doc" },
  service: { roles: ["service"], scope: "system/*.rs" },
  patient: { roles: ["patient"], patients: ["ana"] },
} as const;

const read = (world: TestWorld, person: TestPerson, path: string, purpose?: string): Promise<Got> =>
  world.askAs(person, "GET", `/fhir/${path}`, {
    headers: purpose === undefined ? {} : { "purpose-of-use": purpose },
  });

for (const [role, purpose] of [
  ["clinician", "HRESCH"],
  ["clinician", "PATRQT"],
  ["service", "TREAT"],
  ["service", "HRESCH"],
  ["patient", "TREAT"],
] as const)
  test(`a ${role} who states ${purpose} is refused, and the log tells the purpose`, async (t) => {
    const world = await scene(t);
    const person = await world.person(people[role]);
    assert.equal((await read(world, person, "Observation/o")).status, 200);
    const refused = await read(world, person, "Observation/o", purpose);
    assert.equal(refused.status, role === "patient" ? 404 : 403);
    const told = (await world.entries()).at(-1);
    const logged = role === "patient" ? "PATRQT" : purpose;
    assert.deepEqual([told?.decision, told?.purpose], ["deny", logged]);
  });

test("the purpose that is the role's own may be stated", async (t) => {
  const world = await scene(t);
  for (const [role, purpose] of [
    ["clinician", "TREAT"],
    ["patient", "PATRQT"],
    ["service", "HOPERAT"],
  ] as const) {
    const person = await world.person(people[role]);
    assert.equal((await read(world, person, "Observation/o", purpose)).status, 200, role);
  }
});

test("a service sees for public health immunizations, for payment neither these nor findings", async (t) => {
  const world = await scene(t);
  const service = await world.person(people.service);
  const seen = async (purpose: string): Promise<readonly number[]> => [
    (await read(world, service, "Patient/ana", purpose)).status,
    (await read(world, service, "Immunization/i", purpose)).status,
    (await read(world, service, "Observation/o", purpose)).status,
  ];
  assert.deepEqual(await seen("PUBHLTH"), [200, 200, 403]);
  assert.deepEqual(await seen("HPAYMT"), [200, 403, 403]);
});

for (const stated of ["BTG", "SYSADMIN", "treat", "TREAT, HPAYMT", ""])
  test(`"${stated}" is no purpose that a request may state`, async (t) => {
    const world = await scene(t);
    const clinician = await world.person(people.clinician);
    assert.equal((await read(world, clinician, "Observation/o", stated)).status, 400);
  });
