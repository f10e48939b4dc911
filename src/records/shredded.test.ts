import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isRecord } from "#core/jws.ts";
import { parseResourceId } from "#core/ids.ts";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

const patient = (id: string): object => ({ resourceType: "Patient", id, gender: "female" });
const condition = (id: string, of: string): object => ({
  resourceType: "Condition",
  id,
  clinicalStatus: {
    coding: [
      { system: "http://terminology.hl7.org/CodeSystem/condition-clinical", code: "active" },
    ],
  },
  code: { text: "Asthma" },
  subject: { reference: `Patient/${of}` },
});

/** As the keeper does it, then the eviction that follows. */
async function shred({ database, vault }: TestWorld, id: string): Promise<string> {
  const patientId = parseResourceId(id);
  assert.ok(patientId !== null);
  const compartment = vault.pseudonymOf(patientId);
  await database.as("phylax_keeper").transaction(async (tx) => {
    await tx.query(
      `INSERT INTO keyring.shredded (compartment, at, reason, officer, second_officer, last_epoch)
       VALUES ($1, now(), 'asked for it', 'ana', 'ben', 1)`,
      [compartment],
    );
    await tx.query("DELETE FROM keyring.data_key WHERE compartment = $1", [compartment]);
  });
  vault.evict([compartment]);
  return compartment;
}

interface Shredded {
  readonly world: TestWorld;
  /** Ana's, which was shredded. */
  readonly compartment: string;
  readonly ana: TestPerson;
  /** Of ana and ben, whose record lives. */
  readonly proxy: TestPerson;
}

async function anaShredded(t: TestContext): Promise<Shredded> {
  const world = await testWorld(t);
  await world.bring([
    patient("ana"),
    condition("c1", "ana"),
    patient("ben"),
    condition("c2", "ben"),
  ]);
  const compartment = await shred(world, "ana");
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  const proxy = await world.person({ roles: ["patient", "proxy"], patients: ["ana", "ben"] });
  return { world, compartment, ana, proxy };
}

function codeOf({ text }: Got): unknown {
  return /urn:phylax:problem","code":"([a-z-]+)"/.exec(text)?.[1];
}

test("a shredded record is gone for good: 410, and logged as an error without an alarm", async (t) => {
  const { world, compartment, ana } = await anaShredded(t);
  for (const path of [
    "/fhir/Condition/c1",
    "/fhir/Patient/ana/_history",
    "/fhir/Patient/ana/_history/1",
  ]) {
    const got = await world.askAs(ana, "GET", path);
    assert.deepEqual([got.status, codeOf(got)], [410, "record-shredded"], path);
  }
  const last = (await world.entries()).at(-1);
  assert.deepEqual(
    [last?.decision, last?.reasons, last?.signal, last?.patient],
    ["error", ["record-shredded"], null, compartment],
  );
});

test("a search leaves a shredded record out and says so beside what it found", async (t) => {
  const { world, ana, proxy } = await anaShredded(t);
  const own: unknown = JSON.parse(
    (await world.askAs(ana, "GET", "/fhir/Condition?patient=ana")).text,
  );
  assert.ok(isRecord(own));
  assert.deepEqual([own["total"], Array.isArray(own["entry"]) && own["entry"].length], [0, 1]);
  const both = await world.askAs(proxy, "GET", "/fhir/Condition");
  assert.equal(both.status, 200);
  const { entry, total } = JSON.parse(both.text) as {
    total: number;
    entry: readonly { resource: Record<string, unknown>; search: { mode: string } }[];
  };
  assert.equal(total, 1);
  assert.deepEqual(
    entry.map(({ resource, search }) => [resource["id"] ?? resource["resourceType"], search.mode]),
    [
      ["c2", "match"],
      ["OperationOutcome", "outcome"],
    ],
  );
  assert.match(both.text, /"severity":"information","code":"deleted".*the records of 1 patient\./);
});

test("a list of many patients leaves the shredded out as well", async (t) => {
  const world = await testWorld(t);
  const ids = ["p1", "p2", "p3", "p4", "p5", "p6"];
  await world.bring(ids.map(patient));
  await shred(world, "p2");
  const proxy = await world.person({ roles: ["patient", "proxy"], patients: ids });
  const got = await world.askAs(proxy, "GET", "/fhir/Patient");
  assert.equal((JSON.parse(got.text) as { total: number }).total, 5, got.text);
  assert.match(got.text, /the records of 1 patient\./);
});

test("nothing is written to a shredded record, and no new key is made for it", async (t) => {
  const { world, compartment } = await anaShredded(t);
  const writer = await world.person({ roles: ["service"], scope: "system/*.cruds user/*.cruds" });
  const again = await world.bring([patient("ana"), condition("c9", "ana"), condition("c8", "ben")]);
  assert.deepEqual(
    again.map(({ outcome, code }) => [outcome, code]),
    [
      ["refused", "record-shredded"],
      ["refused", "record-shredded"],
      ["created", undefined],
    ],
  );
  const clinician = await world.person({ roles: ["clinician"], practitioner: "dr" });
  for (const person of [writer, clinician]) {
    const put = await world.askAs(person, "PUT", "/fhir/Patient/ana", {
      body: JSON.stringify(patient("ana")),
    });
    assert.ok([403, 410].includes(put.status), put.text);
  }
  const keys = await world.db.query("SELECT FROM keyring.data_key WHERE compartment = $1", [
    compartment,
  ]);
  assert.deepEqual(keys, []);
});

test("a write that was under way while its patient was shredded stores nothing", async (t) => {
  const world = await testWorld(t);
  await world.bring([patient("ana")]);
  const id = parseResourceId("ana");
  assert.ok(id !== null);
  const compartment = world.vault.pseudonymOf(id);
  // The key stays in memory, as it does between the shredding and the eviction.
  await world.database
    .as("phylax_keeper")
    .query("DELETE FROM keyring.data_key WHERE compartment = $1", [compartment]);
  const answer = await world.operator.request({
    method: "POST",
    path: "/internal/import",
    headers: { "x-test-peer": "operator" },
    body: JSON.stringify({ file: "f", entry: 0, resource: condition("c1", "ana") }),
  });
  assert.equal(answer.statusCode, 409, await answer.body.text());
  assert.deepEqual(await world.db.query("SELECT FROM records.resource WHERE id = 'c1'"), []);
});
