import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { parseResourceId, parseResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { systemClock } from "#core/clock.ts";
import { ok } from "#core/result.ts";
import { honeyMark } from "#records/honey.ts";
import { openLiving, openRows, openUnseen } from "#records/opening.ts";
import { createStore } from "#records/store.ts";
import { testWorld, type Got, type TestWorld } from "#records/testing.ts";

const patient = (id: string): object => ({
  resourceType: "Patient",
  id,
  name: [{ family: "Honigmann", given: ["Hanna"] }],
  identifier: [{ system: "urn:mrn", value: "4711" }],
});
const condition = (id: string, of: string): object => ({
  resourceType: "Condition",
  id,
  code: { text: "Asthma" },
  subject: { reference: `Patient/${of}` },
});
const team = (of: string): object => ({
  resourceType: "CareTeam",
  id: "team",
  status: "active",
  subject: { reference: `Patient/${of}` },
});

async function lay({ operator }: TestWorld, resources: readonly object[]): Promise<Got> {
  const answer = await operator.request({
    method: "POST",
    path: "/internal/keys/honey",
    headers: { "x-test-peer": "operator", "phylax-operator": "tester" },
    body: resources
      .map((resource, entry) => JSON.stringify({ file: "honey", entry, resource }))
      .join("\n"),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

async function laid(t: TestContext): Promise<TestWorld> {
  const world = await testWorld(t);
  await world.bring([patient("ana"), condition("c1", "ana")]);
  const got = await lay(world, [patient("hanna"), condition("h1", "hanna")]);
  assert.deepEqual([got.status, JSON.parse(got.text)], [200, { patients: 1, records: 2 }]);
  return world;
}

const signals = async (world: TestWorld): Promise<readonly (string | null)[][]> =>
  (await world.entries())
    .filter(({ signal }) => signal !== null)
    .map(({ signal, action, resourceId, actor }) => [signal, action, resourceId, actor]);

test("opening honey raises a signal that names who did, and shows it as any record", async (t) => {
  const world = await laid(t);
  // Someone gave herself access, as an intruder would.
  const thief = await world.person({ roles: ["patient"], patients: ["hanna"] });
  const got = await world.askAs(thief, "GET", "/fhir/Condition/h1");
  assert.equal(got.status, 200);
  assert.equal((JSON.parse(got.text) as { id: string }).id, "h1");
  assert.deepEqual(await signals(world), [["honey-record", "signal", "h1", thief.account]]);
});

for (const path of [
  "/fhir/Condition?patient=hanna",
  "/fhir/Patient/hanna/_history",
  "/fhir/Condition/h1/_history/1",
])
  test(`${path} raises the signal, too`, async (t) => {
    const world = await laid(t);
    const thief = await world.person({ roles: ["patient"], patients: ["hanna"] });
    const got = await world.askAs(thief, "GET", path);
    assert.equal(got.status, 200, got.text);
    assert.ok(!got.text.includes(honeyMark) && !got.text.includes("u0000"));
    assert.deepEqual(
      (await signals(world)).map(([signal]) => signal),
      ["honey-record"],
    );
  });

test("a batch that reads honey raises the signal", async (t) => {
  const world = await laid(t);
  const thief = await world.person({ roles: ["patient"], patients: ["hanna"] });
  const body = JSON.stringify({
    resourceType: "Bundle",
    type: "batch",
    entry: [{ request: { method: "GET", url: "Condition/h1" } }],
  });
  assert.equal((await world.askAs(thief, "POST", "/fhir", { body })).status, 200);
  assert.equal((await signals(world)).length, 1);
});

test("no honest path opens honey: not a look-up, not a list, not a name that was guessed", async (t) => {
  const world = await laid(t);
  await world.bring([
    { resourceType: "Practitioner", id: "dr", active: true },
    {
      ...team("ana"),
      participant: [{ member: { reference: "Practitioner/dr" }, period: { start: "2020-01-01" } }],
    },
  ]);
  const clinician = await world.person({ roles: ["clinician"], practitioner: "dr" });
  const officer = await world.person({ roles: ["privacy-officer"] });
  for (const person of [clinician, officer])
    for (const path of [
      "/fhir/Patient",
      "/fhir/Patient?family=Honigmann",
      "/fhir/Patient?identifier=urn:mrn|4711",
      "/fhir/Patient/hanna",
      "/fhir/Condition/h1",
    ]) {
      const { text } = await world.askAs(person, "GET", path);
      assert.doesNotMatch(text, /"id":"(hanna|h1)"/, path);
    }
  assert.deepEqual(await signals(world), []);
});

test("rows and log tell honey from no other record", async (t) => {
  const world = await laid(t);
  const rows = await world.db.query<{ id: string; size: number }>(
    "SELECT id, octet_length(sealed) AS size FROM records.resource WHERE type = 'Condition'",
  );
  const sizes = new Map(rows.map(({ id, size }) => [id, size]));
  // One byte of mark, and the patient's longer id.
  assert.equal((sizes.get("h1") ?? 0) - (sizes.get("c1") ?? 0), 1 + "hanna".length - "ana".length);
  const imports = (await world.entries()).filter(
    ({ resourceType }) => resourceType === "Condition",
  );
  const [real, honey] = imports.map((entry) => [
    entry.action,
    entry.decision,
    entry.reasons,
    entry.categories,
    entry.actor,
    entry.signal,
  ]);
  assert.equal(imports.length, 2);
  assert.deepEqual(honey, real);
});

test("honey is only for patients who are not there, and never has a care team", async (t) => {
  const world = await testWorld(t);
  await world.bring([patient("ana")]);
  assert.equal((await lay(world, [condition("c1", "ana")])).status, 400);
  assert.equal((await lay(world, [patient("hanna"), team("hanna")])).status, 400);
  assert.equal(
    (await lay(world, [{ resourceType: "Organization", id: "o", name: "O" }])).status,
    400,
  );
  assert.deepEqual(await world.db.query("SELECT FROM records.resource WHERE id = 'hanna'"), []);
});

test("sealing honey anew raises nothing and keeps it honey", async (t) => {
  const world = await laid(t);
  const resealed = await world.operator.request({
    method: "POST",
    path: "/internal/keys/reseal",
    headers: { "x-test-peer": "operator", "content-type": "application/json" },
    body: JSON.stringify({ patients: null, after: null, limit: 10 }),
  });
  assert.equal(resealed.statusCode, 200, await resealed.body.text());
  assert.deepEqual(await signals(world), []);
  const thief = await world.person({ roles: ["patient"], patients: ["hanna"] });
  assert.equal((await world.askAs(thief, "GET", "/fhir/Condition/h1")).status, 200);
  assert.equal((await signals(world)).length, 1);
});

test("honey is shown to nobody while the log cannot tell of it", async (t) => {
  const world = await laid(t);
  const [type, id] = [parseResourceType("Condition"), parseResourceId("h1")];
  assert.ok(type !== null && id !== null);
  const store = createStore(world.db);
  const found = await store.find(type, id, { practitioner: null, at: systemClock.now() });
  assert.ok(found.ok);
  const { rows } = found.value;
  const { vault, database } = world;
  const told: number[] = [];
  const deps = {
    vault,
    tenant: database.tenant,
    raiseHoney: async (honey: readonly unknown[]) => {
      told.push(honey.length);
      return told.length > 1 ? refuse("audit-unavailable") : ok(null);
    },
  };
  assert.equal((await openUnseen(rows, deps)).ok, true);
  assert.equal((await openRows(rows, deps, null)).ok, true);
  const [shown, living] = [await openRows(rows, deps, null), await openLiving(rows, deps, null)];
  assert.equal(!shown.ok && shown.problem.code, "audit-unavailable");
  assert.equal(living.ok, false);
  assert.deepEqual(told, [1, 1, 1]);
});
