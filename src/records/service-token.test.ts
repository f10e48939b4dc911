import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { testWorld, type TestWorld } from "#records/testing.ts";

const patient = (id: string) => ({ resourceType: "Patient", id, name: [{ family: "Ortiz" }] });

const observation = (id: string, security: object = {}) => ({
  resourceType: "Observation",
  id,
  ...security,
  status: "final",
  code: { text: "a test" },
  subject: { reference: "Patient/ana" },
});

const psychotherapy = {
  meta: {
    security: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "PSYTHPN" }],
  },
};

async function filled(t: Parameters<typeof testWorld>[0]): Promise<TestWorld> {
  const world = await testWorld(t);
  await world.bring([
    patient("ana"),
    observation("plain"),
    observation("note", psychotherapy),
    { resourceType: "Practitioner", id: "doc", name: [{ family: "Lee" }] },
  ]);
  return world;
}

suite("the token of a backend service", () => {
  test("lets it look at what its scopes name, for the clinic's own work, and is logged as its", async (t) => {
    const world = await filled(t);
    const service = await world.person({ roles: ["service"], scope: "system/Observation.rs" });
    const got = await world.askAs(service, "GET", "/fhir/Observation/plain");
    assert.equal(got.status, 200, got.text);
    const found = await world.askAs(service, "GET", "/fhir/Observation?patient=ana");
    assert.equal((JSON.parse(found.text) as { total: number }).total, 1, found.text);
    assert.equal((await world.askAs(service, "GET", "/fhir/Patient/ana")).status, 403);
    const entry = (await world.entries()).find(({ resourceId }) => resourceId === "plain");
    const read = (await world.entries()).find(({ action }) => action === "read");
    assert.equal(entry?.resourceId, "plain");
    assert.deepEqual(
      [read?.actor, read?.role, read?.purpose, read?.reasons],
      [service.account, "service", "HOPERAT", ["service-record"]],
    );
  });

  test("shows it nothing that is labelled as sensitive, and lets it write nothing", async (t) => {
    const world = await filled(t);
    const service = await world.person({ roles: ["service"], scope: "system/*.cruds" });
    assert.equal((await world.askAs(service, "GET", "/fhir/Observation/note")).status, 403);
    assert.equal((await world.askAs(service, "GET", "/fhir/Practitioner/doc")).status, 200);
    const put = await world.askAs(service, "PUT", "/fhir/Patient/ana", {
      body: JSON.stringify(patient("ana")),
    });
    assert.equal(put.status, 403, put.text);
    assert.equal((await world.askAs(service, "GET", "/fhir/Patient/ana/$everything")).status, 403);
  });

  test("counts for nothing with a person's scopes, nor a person's with those of a service", async (t) => {
    const world = await filled(t);
    const service = await world.person({ roles: ["service"], scope: "user/*.rs patient/*.rs" });
    assert.equal((await world.askAs(service, "GET", "/fhir/Patient/ana")).status, 403);
    const ana = await world.person({
      roles: ["patient"],
      patients: ["ana"],
      scope: "system/*.cruds",
    });
    assert.equal((await world.askAs(ana, "GET", "/fhir/Patient/ana")).status, 404);
  });
});
