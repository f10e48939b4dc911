import assert from "node:assert/strict";
import { test } from "node:test";
import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { invariant } from "#core/result.ts";
import { testWorld, type Got, type TestPerson } from "#records/testing.ts";

const outcomeCode = ({ text }: Got): unknown =>
  (JSON.parse(text) as { issue: { details: { coding: { code: string }[] } }[] }).issue[0]?.details
    .coding[0]?.code;

function idOf(text: string): ResourceId {
  const id = parseResourceId(text);
  invariant(id !== null, "a test's id is one");
  return id;
}

const denyBea = {
  type: "permit",
  provision: [
    {
      type: "deny",
      actor: [{ role: { text: "clinician" }, reference: { reference: "Practitioner/bea" } }],
    },
  ],
};

function consent(patient: string, provision: object, status = "active"): object {
  return {
    resourceType: "Consent",
    status,
    scope: {
      coding: [
        { system: "http://terminology.hl7.org/CodeSystem/consentscope", code: "patient-privacy" },
      ],
    },
    category: [{ text: "privacy" }],
    patient: { reference: `Patient/${patient}` },
    policyRule: { text: "our form" },
    provision,
  };
}

const team = (patient: string): object => ({
  resourceType: "CareTeam",
  id: `team-${patient}`,
  status: "active",
  subject: { reference: `Patient/${patient}` },
  participant: ["bea", "carl"].map((id) => ({ member: { reference: `Practitioner/${id}` } })),
});

const observation = (patient: string): object => ({
  resourceType: "Observation",
  id: `weight-${patient}`,
  status: "final",
  code: { text: "weight" },
  subject: { reference: `Patient/${patient}` },
});

const patients = ["ana", "berta", "clara", "dora", "emma"];

test("a Consent in force", async (t) => {
  const world = await testWorld(t);
  await world.bring([
    ...["bea", "carl"].map((id) => ({ resourceType: "Practitioner", id })),
    ...patients.flatMap((id) => [{ resourceType: "Patient", id }, team(id), observation(id)]),
  ]);
  const bea = await world.person({ roles: ["clinician"], practitioner: "bea" });
  const carl = await world.person({ roles: ["clinician"], practitioner: "carl" });

  const get = (person: TestPerson, path: string): Promise<Got> =>
    world.askAs(person, "GET", `/fhir/${path}`);
  const status = async (person: TestPerson, path: string): Promise<number> =>
    (await get(person, path)).status;
  const put = (person: TestPerson, id: string, value: object): Promise<Got> =>
    world.askAs(person, "PUT", `/fhir/Consent/${id}`, { body: JSON.stringify({ ...value, id }) });

  await t.test(
    "keeps out whom it names from the moment it is written, and nobody else",
    async () => {
      assert.equal(await status(bea, "Observation/weight-ana"), 200);
      assert.equal((await put(carl, "c-ana", consent("ana", denyBea))).status, 201);
      const refused = await get(bea, "Observation/weight-ana");
      assert.equal(refused.status, 403);
      assert.equal(outcomeCode(refused), "forbidden");
      assert.equal(await status(carl, "Observation/weight-ana"), 200);
      assert.equal(await status(bea, "Observation/weight-berta"), 200, "another's record is open");
      const [entry] = (await world.entries()).filter(
        ({ decision, resourceId }) => decision === "deny" && resourceId === "weight-ana",
      );
      assert.deepEqual(entry?.reasons, ["forbidden", "consent-forbids"]);
    },
  );

  await t.test(
    "keeps out of search, history and change as well, and lets the Consent itself be seen",
    async () => {
      assert.equal((await put(carl, "c-berta", consent("berta", denyBea))).status, 201);
      assert.equal(await status(bea, "Observation?patient=berta"), 403);
      assert.equal(await status(bea, "Observation/weight-berta/_history"), 403);
      const body = JSON.stringify({ ...observation("berta"), status: "amended" });
      const written = await world.askAs(bea, "PUT", "/fhir/Observation/weight-berta", { body });
      assert.equal(written.status, 403);
      assert.equal(await status(bea, "Consent/c-berta"), 200);
      const list = JSON.parse((await get(bea, "Patient?_count=100")).text) as {
        entry: { resource: { id: string } }[];
      };
      const ids = list.entry.map(({ resource }) => resource.id);
      assert.ok(!ids.includes("berta") && ids.includes("clara"), ids.join());
    },
  );

  await t.test("lets in again when it is changed, made inactive or deleted", async () => {
    const observed = "Observation/weight-clara";
    await put(carl, "c-clara", consent("clara", denyBea));
    assert.equal(await status(bea, observed), 403);
    await put(carl, "c-clara", consent("clara", { type: "permit" }));
    assert.equal(await status(bea, observed), 200);
    await put(carl, "c-clara", consent("clara", denyBea));
    assert.equal(await status(bea, observed), 403);
    await put(carl, "c-clara", consent("clara", denyBea, "inactive"));
    assert.equal(await status(bea, observed), 200);
    await put(carl, "c-clara", consent("clara", denyBea));
    assert.equal(await status(bea, observed), 403);
    const deleted = await world.askAs(carl, "DELETE", "/fhir/Consent/c-clara");
    assert.equal(deleted.status, 204);
    assert.equal(await status(bea, observed), 200);
  });

  await t.test("is in force when it was imported or came in a transaction", async () => {
    await world.bring([{ ...consent("dora", denyBea), id: "c-dora" }]);
    assert.equal(await status(bea, "Observation/weight-dora"), 403);
    const bundle = {
      resourceType: "Bundle",
      type: "transaction",
      entry: [
        {
          resource: consent("emma", denyBea),
          request: { method: "POST", url: "Consent" },
        },
      ],
    };
    const sent = await world.askAs(carl, "POST", "/fhir", { body: JSON.stringify(bundle) });
    assert.equal(sent.status, 200, sent.text);
    assert.equal(await status(bea, "Observation/weight-emma"), 403);
  });

  await t.test("does not keep the patient from her own record", async () => {
    const all = { type: "deny" };
    await put(carl, "c-all", consent("ana", all));
    const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
    assert.equal(await status(ana, "Observation/weight-ana"), 200);
    assert.equal(await status(carl, "Observation/weight-ana"), 403);
    await world.askAs(carl, "DELETE", "/fhir/Consent/c-all");
  });

  await t.test("is sealed where it is stored", async () => {
    const rows = await world.db.query<{ sealed: Buffer | null; silent: boolean }>(
      "SELECT sealed, silent FROM records.consent_rule WHERE source = 'c-ana'",
    );
    assert.equal(rows.length, 1);
    assert.ok(rows[0]?.sealed !== null && !rows[0]?.sealed.includes("Practitioner"));
  });

  await t.test("leaves nothing behind when the patient's key is destroyed", async () => {
    const rules = async (): Promise<number> =>
      (await world.db.query("SELECT FROM records.consent_rule WHERE source = 'c-ana'")).length;
    assert.equal(await rules(), 1);
    await world.database.as("phylax_keeper", 1).query(
      `INSERT INTO keyring.shredded (compartment, at, reason, officer, second_officer, last_epoch)
       SELECT patient::text, now(), 'asked for', 'one', 'two', 1
       FROM (SELECT $1::uuid AS patient) AS whose`,
      [world.vault.pseudonymOf(idOf("ana"))],
    );
    assert.equal(await rules(), 0);
  });
});

test("nobody is let in while it is not known what patients forbid", async (t) => {
  let broken = false;
  const world = await testWorld(t, {
    db: (db) => ({
      ...db,
      query: (statement, values) => {
        const name = typeof statement === "string" ? "" : statement.name;
        if (broken && name === "consent-rules")
          return Promise.reject(Object.assign(new Error("gone"), { code: "57P01" }));
        return db.query(statement, values);
      },
    }),
  });
  await world.bring([{ resourceType: "Patient", id: "ana" }]);
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  assert.equal((await world.askAs(ana, "GET", "/fhir/Patient/ana")).status, 200);
  broken = true;
  world.clock.shiftMs += 2 * limits.liveStaleMs;
  const refused = await world.askAs(ana, "GET", "/fhir/Patient/ana");
  assert.equal(refused.status, 503, refused.text);
  assert.equal(outcomeCode(refused), "policy-unavailable");
  broken = false;
  assert.equal((await world.askAs(ana, "GET", "/fhir/Patient/ana")).status, 200);
});

test("a Consent that nobody has read forbids all, and one that was restored is read at the start", async (t) => {
  const world = await testWorld(t);
  await world.bring([{ resourceType: "Patient", id: "ana" }, team("ana"), observation("ana")]);
  await world.database.as("phylax_records", 1).query(
    `INSERT INTO records.consent_rule (source, patient, epoch, silent)
     SELECT 'old', compartment, 1, false FROM records.resource WHERE type = 'Patient'`,
  );
  const bea = await world.person({ roles: ["clinician"], practitioner: "bea" });
  world.clock.shiftMs += 2 * limits.liveStaleMs;
  const refused = await world.askAs(bea, "GET", "/fhir/Observation/weight-ana");
  assert.equal(refused.status, 403, refused.text);
});
