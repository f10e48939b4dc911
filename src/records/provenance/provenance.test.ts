import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bundle, Provenance, Resource } from "@medplum/fhirtypes";
import { parseResource } from "#records/fhir/parse.ts";
import { parseProvenanceId } from "#records/provenance/provenance.ts";
import { testWorld, type Got, type TestPerson } from "#records/testing.ts";

const resourcesIn = ({ status, text }: Got): readonly Resource[] => {
  assert.equal(status, 200, text);
  return ((JSON.parse(text) as Bundle).entry ?? []).flatMap(({ resource }) => resource ?? []);
};
const provenancesIn = (got: Got): readonly Provenance[] =>
  resourcesIn(got).flatMap((each) => (each.resourceType === "Provenance" ? [each] : []));
const targetsOf = (provenances: readonly Provenance[]): readonly string[] =>
  provenances.map(({ target }) => target[0]?.reference ?? "").sort();

const observation = (status: string): string =>
  JSON.stringify({
    resourceType: "Observation",
    id: "weight",
    status,
    code: { text: "weight" },
    subject: { reference: "Patient/ana" },
  });

test("the Provenance of what is written", async (t) => {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Practitioner", id: "bea", name: [{ text: "Dr. Bea" }] },
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Patient", id: "berta" },
    ...["ana", "berta"].map((patient) => ({
      resourceType: "CareTeam",
      id: `team-${patient}`,
      status: "active",
      subject: { reference: `Patient/${patient}` },
      participant: [{ member: { reference: "Practitioner/bea" } }],
    })),
  ]);
  const bea = await world.person({ roles: ["clinician"], practitioner: "bea" });
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  const berta = await world.person({ roles: ["patient"], patients: ["berta"] });
  const get = (person: TestPerson, path: string): Promise<Got> =>
    world.askAs(person, "GET", `/fhir/${path}`);
  const put = async (body: string): Promise<void> => {
    const { status, text } = await world.askAs(bea, "PUT", "/fhir/Observation/weight", { body });
    assert.ok(status < 300, text);
  };
  await put(observation("preliminary"));
  await put(observation("final"));
  const deleted = await world.askAs(bea, "DELETE", "/fhir/Observation/weight");
  assert.equal(deleted.status, 204);

  await t.test("is found by its target, a version for each write, and is sound R4", async () => {
    const found = provenancesIn(await get(bea, "Provenance?target=Observation/weight&patient=ana"));
    assert.deepEqual(targetsOf(found), [
      "Observation/weight/_history/1",
      "Observation/weight/_history/2",
      "Observation/weight/_history/3",
    ]);
    const told = found.map(({ activity }) => activity?.coding?.[0]?.code ?? "").sort();
    assert.deepEqual(told, ["CREATE", "DELETE", "UPDATE"]);
    for (const each of found) {
      assert.ok(parseResource(JSON.stringify(each), {}).ok, JSON.stringify(each));
      assert.equal(each.agent[0]?.who.reference, "Practitioner/bea");
      assert.equal(each.agent[0]?.who.display, "Dr. Bea");
      assert.equal(each.agent[1]?.who.identifier?.value, "phylax-portal");
    }
  });

  await t.test("is found by patient, agent and time, and of no other record", async () => {
    const all = provenancesIn(await get(ana, "Provenance?patient=ana"));
    assert.equal(all.length, 5, "Patient and CareTeam were imported, and three writes");
    const byBea = await get(ana, "Provenance?patient=ana&agent=Practitioner/bea");
    assert.equal(provenancesIn(byBea).length, 3);
    assert.equal(provenancesIn(await get(ana, "Provenance?recorded=lt2000")).length, 0);
    assert.equal(provenancesIn(await get(berta, "Provenance")).length, 2);
    assert.equal((await get(berta, "Provenance?patient=ana")).status, 403);
  });

  await t.test("comes along with what it is of, by _revinclude", async () => {
    const found = await get(bea, "CareTeam?patient=ana&_revinclude=Provenance:target");
    const types = resourcesIn(found).map(({ resourceType }) => resourceType);
    assert.deepEqual(types, ["CareTeam", "Provenance"]);
    assert.deepEqual(targetsOf(provenancesIn(found)), ["CareTeam/team-ana/_history/1"]);
  });

  await t.test("is read by its id by whoever may read the record, and logged as read", async () => {
    const [first] = provenancesIn(
      await get(bea, "Provenance?target=Observation/weight&patient=ana"),
    );
    const path = `Provenance/${first?.id}`;
    for (const person of [bea, ana]) {
      const one = await get(person, path);
      assert.equal(one.status, 200, one.text);
      assert.deepEqual(JSON.parse(one.text), first);
    }
    const last = (await world.entries()).at(-1);
    assert.equal(last?.resourceType, "Provenance");
    assert.equal(last?.action, "read");
    assert.equal((await get(berta, path)).status, 404);
    assert.equal((await get(bea, "Provenance/w-1-999999")).status, 404);
  });

  await t.test("cannot be written or deleted; a client's own stands beside it", async () => {
    const [first] = provenancesIn(
      await get(bea, "Provenance?target=CareTeam/team-ana&patient=ana"),
    );
    const path = `/fhir/Provenance/${first?.id}`;
    const body = JSON.stringify(first);
    assert.equal((await world.askAs(bea, "PUT", path, { body })).status, 405);
    assert.equal((await world.askAs(bea, "DELETE", path)).status, 405);
    const entry = [{ resource: first, request: { method: "PUT", url: `Provenance/${first?.id}` } }];
    const bundle = { resourceType: "Bundle", type: "transaction", entry };
    const sent = await world.askAs(bea, "POST", "/fhir", { body: JSON.stringify(bundle) });
    assert.equal(sent.status, 405, sent.text);
    const own = {
      resourceType: "Provenance",
      target: [{ reference: "CareTeam/team-ana" }, { reference: "Patient/ana" }],
      recorded: "2026-01-01T00:00:00Z",
      agent: [{ who: { display: "another system" } }],
    };
    const made = await world.askAs(bea, "POST", "/fhir/Provenance", { body: JSON.stringify(own) });
    assert.equal(made.status, 201, made.text);
    const both = provenancesIn(await get(bea, "Provenance?target=CareTeam/team-ana&patient=ana"));
    assert.equal(both.length, 2);
  });

  await t.test(
    "comes with a write in X-Provenance, and is written with it or not at all",
    async () => {
      const sent = JSON.stringify({
        resourceType: "Provenance",
        recorded: "2026-01-01T00:00:00Z",
        agent: [{ who: { display: "Dr. Müller" } }],
      });
      // HTTP carries bytes.
      const header = (text: string): Record<string, string> => ({
        "x-provenance": Buffer.from(text, "utf8").toString("latin1"),
      });
      const body = observation("final").replace('"weight"', '"height"');
      const path = "/fhir/Observation/height";
      const write = (text: string, more: Record<string, string> = {}): Promise<Got> =>
        world.askAs(bea, "PUT", path, { headers: { ...header(text), ...more }, body });
      assert.equal((await write(sent)).status, 201);
      assert.equal((await write(sent)).status, 200);
      const query = "Provenance?target=Observation/height";
      const theirs = provenancesIn(await get(bea, query)).filter(({ id }) => !id?.startsWith("w-"));
      assert.deepEqual(targetsOf(theirs), [
        "Observation/height/_history/1",
        "Observation/height/_history/2",
      ]);
      assert.equal(theirs[0]?.agent[0]?.who.display, "Dr. Müller");
      const version = async (): Promise<string> =>
        (JSON.parse((await get(bea, "Observation/height")).text) as Resource).meta?.versionId ?? "";
      const agentless = { resourceType: "Provenance", recorded: "2026-01-01T00:00:00Z" };
      const own = { ...agentless, agent: [{ who: { reference: "Patient/berta" } }] };
      for (const [text, status] of [
        ["{", 400],
        [JSON.stringify(agentless), 422],
        [JSON.stringify({ ...agentless, target: [] }), 400],
        [JSON.stringify(own), 422],
      ] as const)
        assert.equal((await write(text)).status, status, text);
      assert.equal((await write(sent, { "if-match": 'W/"1"' })).status, 412);
      assert.equal(await version(), "2");
      const headers = header(sent);
      assert.equal((await world.askAs(bea, "DELETE", path, { headers })).status, 400);
      assert.equal(await version(), "2");
      const created = await world.askAs(bea, "POST", "/fhir/Observation", { headers, body });
      assert.equal(created.status, 201, created.text);
    },
  );

  await t.test("of a psychotherapy note is kept from the patient as the note is", async () => {
    const coding = [
      { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "PSYTHPN" },
    ];
    const note = {
      ...(JSON.parse(observation("final")) as object),
      id: "note",
      meta: { security: coding },
    };
    const body = JSON.stringify(note);
    assert.equal((await world.askAs(bea, "PUT", "/fhir/Observation/note", { body })).status, 201);
    const query = "Provenance?target=Observation/note&patient=ana";
    assert.equal(provenancesIn(await get(bea, query)).length, 1);
    assert.equal(provenancesIn(await get(ana, query)).length, 0);
  });
});

test("only a place in a log is the id of the log's own Provenance", () => {
  assert.deepEqual(parseProvenanceId("w-3-7"), { logId: 3, seq: 7 });
  for (const other of ["", "w-3", "w-0-7", "w-3-7-1", "e-3-7", "w-3-07x"])
    assert.equal(parseProvenanceId(other), null, other);
});
