import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditEntry } from "#core/audit-entry.ts";
import { testWorld, type Got, type TestWorld } from "#records/testing.ts";

const patient = (id: string): object => ({ resourceType: "Patient", id, gender: "female" });
const condition = (id: string, of: string, text = "Asthma"): object => ({
  resourceType: "Condition",
  id,
  clinicalStatus: {
    coding: [
      { system: "http://terminology.hl7.org/CodeSystem/condition-clinical", code: "active" },
    ],
  },
  code: { text },
  subject: { reference: `Patient/${of}` },
});

async function desk(
  { operator }: TestWorld,
  work: string,
  body: unknown,
  peer = "operator",
): Promise<Got> {
  const answer = await operator.request({
    method: "POST",
    path: `/internal/keys/${work}`,
    headers: {
      "x-test-peer": peer,
      "phylax-operator": "tester",
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

function value(got: Got): Record<string, unknown> {
  assert.equal(got.status, 200, got.text);
  return JSON.parse(got.text) as Record<string, unknown>;
}

async function pseudonym(world: TestWorld, id: string): Promise<string> {
  const { compartment } = value(await desk(world, "pseudonym", { patient: id }));
  assert.ok(typeof compartment === "string");
  return compartment;
}

interface Row extends Record<string, unknown> {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly dek_version: number;
  readonly sealed: Buffer;
}

const everyRow = ({ db }: TestWorld, compartment: string): Promise<readonly Row[]> =>
  db.query<Row>(
    `SELECT type, id, version, dek_version, sealed FROM records.resource WHERE compartment = $1
     UNION ALL
     SELECT type, id, version, dek_version, sealed FROM records.resource_history WHERE compartment = $1
     ORDER BY type, id, version`,
    [compartment],
  );

async function anaAndBen(t: TestContext): Promise<TestWorld> {
  const world = await testWorld(t);
  await world.bring([patient("ana"), condition("c1", "ana"), condition("c2", "ana")]);
  await world.bring([patient("ben"), condition("c3", "ben")]);
  await world.bring([condition("c1", "ana", "Severe asthma")]);
  return world;
}

test("re-sealing puts every version of a patient under a new key, and leaves others alone", async (t) => {
  const world = await anaAndBen(t);
  const [ana, ben] = [await pseudonym(world, "ana"), await pseudonym(world, "ben")];
  const before = await everyRow(world, ana);
  const others = await everyRow(world, ben);
  const done = value(await desk(world, "reseal", { patients: [ana], after: null, limit: 10 }));
  assert.deepEqual(done, { done: 1, next: null, rows: 4, damaged: 0 });
  const after = await everyRow(world, ana);
  assert.deepEqual(
    after.map(({ id, version, dek_version }) => [id, version, dek_version]),
    before.map(({ id, version }) => [id, version, 2]),
  );
  assert.ok(after.every(({ sealed }, at) => !sealed.equals(before[at]?.sealed ?? sealed)));
  assert.deepEqual(await everyRow(world, ben), others);
});

test("what was sealed anew reads, is found and is unchanged by the same import as before", async (t) => {
  const world = await anaAndBen(t);
  const person = await world.person({ roles: ["patient"], patients: ["ana"] });
  const read = (path: string): Promise<Got> => world.askAs(person, "GET", path);
  const paths = [
    "/fhir/Condition/c1",
    "/fhir/Condition/c1/_history",
    "/fhir/Condition?patient=ana&clinical-status=active",
  ];
  const before = await Promise.all(paths.map(read));
  const ana = await pseudonym(world, "ana");
  value(await desk(world, "reseal", { patients: [ana], after: null, limit: 10 }));
  world.vault.evict(null);
  const after = await Promise.all(paths.map(read));
  assert.deepEqual(
    after.map(({ status, text }) => [status, text]),
    before.map(({ text }) => [200, text]),
  );
  const [again] = await world.bring([condition("c1", "ana", "Severe asthma")]);
  assert.equal(again?.["outcome"], "unchanged");
});

test("the log holds the hash of each ciphertext that re-sealing stored", async (t) => {
  const world = await anaAndBen(t);
  const ana = await pseudonym(world, "ana");
  value(await desk(world, "reseal", { patients: [ana], after: null, limit: 10 }));
  const rows = await everyRow(world, ana);
  const entries = (await world.entries()).filter(({ action }) => action === "key-reseal");
  assert.deepEqual(
    entries.map((entry) => [entry.resourceId, entry.resourceVersion, entry.ciphertextHash]),
    rows.map(({ id, version, sealed }) => [
      id,
      version,
      createHash("sha256").update(sealed).digest("base64url"),
    ]),
  );
  assert.ok(entries.every((entry) => entry.patient === ana && entry.dekVersion === 2));
  assert.ok(entries.every(({ actor }) => actor === "operator:tester"));
});

test("re-sealing all goes page by page over every compartment, the organisation's too", async (t) => {
  const world = await anaAndBen(t);
  await world.bring([{ resourceType: "Organization", id: "clinic", name: "Clinic" }]);
  const all = { patients: null, limit: 2 };
  const first = value(await desk(world, "reseal", { ...all, after: null }));
  assert.equal(first["done"], 2);
  const second = value(await desk(world, "reseal", { ...all, after: first["next"] }));
  assert.deepEqual([second["done"], second["next"]], [1, null]);
  const old = await world.db.query("SELECT FROM records.resource WHERE dek_version = 1");
  assert.deepEqual(old, []);
});

test("a row that does not open stays as it is, is told as an alarm, and stops no other", async (t) => {
  const world = await anaAndBen(t);
  const ana = await pseudonym(world, "ana");
  await world.db.query("UPDATE records.resource SET sealed = $1 WHERE id = 'c2'", [
    Buffer.alloc(60, 1),
  ]);
  const done = value(await desk(world, "reseal", { patients: [ana], after: null, limit: 10 }));
  assert.deepEqual([done["rows"], done["damaged"]], [3, 1]);
  const alarm = (await world.entries()).find(({ signal }) => signal === "record-damaged");
  assert.deepEqual(
    [alarm?.action, alarm?.decision, alarm?.resourceId],
    ["key-reseal", "error", "c2"],
  );
});

test("a write during re-sealing wins, and ends under the new key as well", async (t) => {
  const world = await anaAndBen(t);
  const ana = await pseudonym(world, "ana");
  await Promise.all([
    desk(world, "reseal", { patients: [ana], after: null, limit: 10 }),
    world.bring([condition("c2", "ana", "Hay fever")]),
    world.bring([condition("c4", "ana", "Gout")]),
  ]);
  value(await desk(world, "reseal", { patients: [ana], after: null, limit: 10 }));
  const rows = await everyRow(world, ana);
  assert.ok(rows.every(({ dek_version }) => dek_version === 3));
  const person = await world.person({ roles: ["patient"], patients: ["ana"] });
  assert.match((await world.askAs(person, "GET", "/fhir/Condition/c2")).text, /Hay fever/);
  assert.match((await world.askAs(person, "GET", "/fhir/Condition/c4")).text, /Gout/);
});

test("evicted keys are fetched anew", async (t) => {
  const world = await anaAndBen(t);
  const ana = await pseudonym(world, "ana");
  assert.deepEqual(value(await desk(world, "evict", { compartments: [ana] })), { evicted: 1 });
  const person = await world.person({ roles: ["patient"], patients: ["ana"] });
  assert.equal((await world.askAs(person, "GET", "/fhir/Condition/c1")).status, 200);
  assert.equal((await world.entries()).filter(({ action }) => action === "unwrap").length, 1);
  const all = value(await desk(world, "evict", { compartments: null }));
  assert.equal(all["evicted"], 3);
});

test("an event is a durable entry of the log before it is answered", async (t) => {
  const world = await testWorld(t);
  const ana = await pseudonym(world, "ana");
  const event = {
    action: "key-shred",
    patient: ana,
    reasons: ["retention period over", "second-officer:operator:ben"],
    count: 12,
    signal: null,
    actor: "operator:ana",
  };
  const { place } = value(await desk(world, "event", event));
  const entry = (await world.entries()).at(-1);
  assert.ok(typeof place === "object" && place !== null && "index" in place);
  const { action, patient: whose, reasons, count, actor, decision, zone } = entry ?? {};
  assert.deepEqual({ action, patient: whose, reasons, count, signal: null, actor }, event);
  assert.deepEqual([decision, zone], ["permit", "operator"]);
});

for (const [why, work, body] of [
  ["an action of no key work", "event", { action: "read", actor: "operator:a", reasons: [] }],
  ["an actor who is no operator", "event", { action: "signal", actor: "account", reasons: [] }],
  ["a patient by another name", "event", { action: "signal", actor: "operator:a", patient: "ana" }],
  [
    "reasons without end",
    "event",
    { action: "signal", actor: "operator:a", reasons: Array(21).fill("x") },
  ],
  ["patients by FHIR id", "reseal", { patients: ["ana"], after: null, limit: 1 }],
  ["no limit", "reseal", { patients: null, after: null }],
  ["nothing to evict", "evict", {}],
  ["a patient who cannot be", "pseudonym", { patient: "a b" }],
  ["an empty body", "event", null],
] as const)
  test(`${why} is refused`, async (t) => {
    const world = await testWorld(t);
    assert.equal((await desk(world, work, body)).status, 400);
  });

for (const work of ["reseal", "evict", "event", "pseudonym"])
  test(`${work} is for operators alone`, async (t) => {
    const world = await testWorld(t);
    const body = { patients: null, compartments: null, after: null, limit: 1, patient: "ana" };
    assert.equal((await desk(world, work, body, "gateway")).status, 403);
    assert.equal((await desk(world, work, body, "identity")).status, 403);
  });

test("an alarm that the keys process gives on is an entry of the log", async (t) => {
  const world = await testWorld(t);
  world.raise("unwrap-storm");
  let alarm: AuditEntry | undefined;
  for (let left = 100; left > 0 && alarm === undefined; left -= 1) {
    await sleep(10);
    alarm = (await world.entries()).find(({ action }) => action === "signal");
  }
  assert.deepEqual(
    [alarm?.signal, alarm?.actor, alarm?.zone],
    ["unwrap-storm", "process:keys", "keys"],
  );
});
