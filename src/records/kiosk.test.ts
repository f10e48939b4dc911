import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { systemRandom } from "#core/random.ts";
import { testWorld, type TestPerson, type TestWorld } from "#records/testing.ts";

const path = "/fhir/QuestionnaireResponse";

interface Clinic {
  readonly world: TestWorld;
  readonly kiosk: TestPerson;
  readonly ana: string;
  readonly ben: string;
  readonly visit: string;
}

const intake = (patient: string, visit: string, changed: object = {}): string =>
  JSON.stringify({
    resourceType: "QuestionnaireResponse",
    status: "completed",
    subject: { reference: `Patient/${patient}` },
    encounter: { reference: `Encounter/${visit}` },
    authored: "2026-03-02T09:00:00Z",
    item: [{ linkId: "reason", answer: [{ valueString: "a cough" }] }],
    ...changed,
  });

async function clinic(t: TestContext, deviceLevel = 1): Promise<Clinic> {
  const world = await testWorld(t);
  const [ana, ben, visit] = [systemRandom.uuid(), systemRandom.uuid(), systemRandom.uuid()];
  await world.bring([
    { resourceType: "Patient", id: ana },
    { resourceType: "Patient", id: ben },
    {
      resourceType: "Encounter",
      id: visit,
      status: "arrived",
      class: { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "AMB" },
      subject: { reference: `Patient/${ana}` },
    },
  ]);
  const kiosk = await world.person({
    roles: ["kiosk"],
    patients: [ana],
    kioskVisit: visit,
    scope: "patient/QuestionnaireResponse.c",
    deviceLevel,
  });
  return { world, kiosk, ana, ben, visit };
}

suite("a kiosk", () => {
  test("hands in the intake of its visit and is told nothing back, whatever it prefers", async (t) => {
    const { world, kiosk, ana, visit } = await clinic(t);
    for (const prefer of ["return=representation", "return=OperationOutcome"]) {
      const body = intake(ana, visit);
      const made = await world.askAs(kiosk, "POST", path, { body, headers: { prefer } });
      assert.equal(made.status, 201, made.text);
      assert.equal(made.text, "");
    }
  });

  test("writes for no other patient, no other visit and no other kind", async (t) => {
    const { world, kiosk, ana, ben, visit } = await clinic(t);
    const other = systemRandom.uuid();
    for (const body of [
      intake(ben, visit),
      intake(ana, other),
      intake(ana, visit, { encounter: undefined }),
      intake(systemRandom.uuid(), visit),
    ]) {
      const refused = await world.askAs(kiosk, "POST", path, { body });
      assert.equal(refused.status, 403, refused.text);
    }
    const observation = { resourceType: "Observation", subject: { reference: `Patient/${ana}` } };
    const asked = { body: JSON.stringify(observation) };
    assert.equal((await world.askAs(kiosk, "POST", "/fhir/Observation", asked)).status, 403);
  });

  test("writes nothing for a visit that is another patient's, though it was handed that one", async (t) => {
    const { world, ana, ben } = await clinic(t);
    const visit = systemRandom.uuid();
    await world.bring([
      {
        resourceType: "Encounter",
        id: visit,
        status: "arrived",
        class: { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "AMB" },
        subject: { reference: `Patient/${ben}` },
      },
    ]);
    const scope = "patient/QuestionnaireResponse.c";
    const handed = { roles: ["kiosk"], patients: [ana], kioskVisit: visit, scope } as const;
    const kiosk = await world.person(handed);
    const refused = await world.askAs(kiosk, "POST", path, { body: intake(ana, visit) });
    assert.equal(refused.status, 403, refused.text);
  });

  test("reads nothing by any way, its own answers included, even with a token that says it may", async (t) => {
    const { world, kiosk, ana, visit } = await clinic(t);
    const body = intake(ana, visit);
    const made = await world.askAs(kiosk, "POST", path, { body });
    const own = String(made.headers["location"]).replace(/^https:\/\/[^/]+/, "");
    const wide = { ...kiosk, token: () => kiosk.token({ scope: "patient/*.cruds user/*.cruds" }) };
    const instance = own.replace(/\/_history\/1$/, "");
    for (const at of [
      own,
      instance,
      `${instance}/_history`,
      `${path}?_include=QuestionnaireResponse:subject`,
      path,
      `/fhir/Patient/${ana}`,
      `/fhir/Patient/${ana}/$everything`,
      "/fhir/Patient",
      "/fhir/_history",
      "/api/records/access-log",
      "/api/records/access-requests",
    ]) {
      const refused = await world.askAs(wide, "GET", at);
      assert.equal(refused.status, 403, `${at}: ${refused.text}`);
    }
    const batch = {
      resourceType: "Bundle",
      type: "batch",
      entry: [{ request: { method: "GET", url: `Patient/${ana}` } }],
    };
    const sent = await world.askAs(wide, "POST", "/fhir", { body: JSON.stringify(batch) });
    assert.equal(sent.status, 403, sent.text);
    assert.equal((await world.askAs(wide, "PUT", instance, { body })).status, 403);
    assert.equal((await world.askAs(wide, "DELETE", instance)).status, 403);
  });

  test("cannot find out by a condition what is there", async (t) => {
    const { world, kiosk, ana, visit } = await clinic(t);
    const answers = await Promise.all(
      ["status=completed", "status=stopped"].map((condition) =>
        world.askAs(kiosk, "POST", path, {
          body: intake(ana, visit),
          headers: { "if-none-exist": condition },
        }),
      ),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [403, 403],
    );
    const query = await world.askAs(kiosk, "POST", `${path}?_pretty=true`, {
      body: intake(ana, visit),
    });
    assert.equal(query.status, 403);
  });

  test("is in the log with its role when it writes and when it is refused", async (t) => {
    const { world, kiosk, ana, visit } = await clinic(t);
    await world.askAs(kiosk, "POST", path, { body: intake(ana, visit) });
    await world.askAs(kiosk, "GET", path);
    const own = (await world.entries()).filter(({ session }) => session === kiosk.session);
    assert.deepEqual(
      own.map(({ action, decision, role, reasons }) => ({ action, decision, role, reasons })),
      [
        { action: "create", decision: "permit", role: "kiosk", reasons: ["kiosk-intake"] },
        { action: "search", decision: "deny", role: "kiosk", reasons: ["forbidden", "kiosk"] },
      ],
    );
  });

  test("writes no more once a clinician who does not care for the patient handed it over", async (t) => {
    const { world, ana, visit } = await clinic(t);
    const kiosk = await world.person({
      roles: ["kiosk"],
      patients: [ana],
      kioskVisit: visit,
      practitioner: systemRandom.uuid(),
      scope: "patient/QuestionnaireResponse.c",
    });
    const refused = await world.askAs(kiosk, "POST", path, { body: intake(ana, visit) });
    assert.equal(refused.status, 403, refused.text);
  });

  test("that was handed no visit writes nothing", async (t) => {
    const { world, ana, visit } = await clinic(t);
    const kiosk = await world.person({
      roles: ["kiosk"],
      patients: [ana],
      scope: "patient/QuestionnaireResponse.c",
    });
    const refused = await world.askAs(kiosk, "POST", path, { body: intake(ana, visit) });
    assert.equal(refused.status, 403, refused.text);
  });
});
