import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

const note = {
  resourceType: "Observation",
  id: "note",
  status: "final",
  code: { text: "x" },
  subject: { reference: "Patient/ana" },
  meta: {
    security: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "PSYTHPN" }],
  },
};
const { meta: _, ...unlabelled } = note;
const plain = { ...unlabelled, id: "plain" };

async function scene(t: TestContext): Promise<{ world: TestWorld; doctor: TestPerson }> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Patient", id: "ana" },
    note,
    plain,
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  return { world, doctor: await world.person({ roles: ["clinician"], practitioner: "doc" }) };
}

/** The same person by a token that tells another time of sign-in, or none. */
const signedInAt = (person: TestPerson, seconds: number | undefined): TestPerson => ({
  ...person,
  token: (changed) => person.token({ ...changed, auth_time: seconds }),
});

const ids = ({ text }: Got): readonly string[] =>
  (JSON.parse(text) as { entry?: { resource: { id: string } }[] }).entry?.map(
    ({ resource }) => resource.id,
  ) ?? [];

const path = "/fhir/Observation/note";
const search = "/fhir/Observation?patient=ana";
const longAgoSeconds = 1_000_000;

suite("what needs a fresh sign-in", () => {
  test("is shown after one, and the log names the need and what was decided", async (t) => {
    const { world, doctor } = await scene(t);
    const got = await world.askAs(doctor, "GET", path);
    assert.equal(got.status, 200);
    const entry = (await world.entries()).at(-1);
    assert.deepEqual(entry?.obligations, ["step-up max-age:900"]);
    assert.ok(entry.reasons.includes("psychotherapy-fresh-sign-in"));
    assert.ok(
      entry.decided.some((asked) =>
        asked.startsWith("read PatientRecord Observation care-team psychotherapy clinician 1 "),
      ),
      entry.decided.join("; "),
    );
  });

  for (const [what, seconds] of [
    ["long ago", longAgoSeconds],
    ["at a time that is not told", undefined],
  ] as const) {
    test(`is kept from who signed in ${what}, and says how to get it (RFC 9470 §3)`, async (t) => {
      const { world, doctor } = await scene(t);
      const late = signedInAt(doctor, seconds);
      const got = await world.askAs(late, "GET", path);
      assert.equal(got.status, 401);
      assert.match(
        String(got.headers["www-authenticate"]),
        /^DPoP error="insufficient_user_authentication", max_age="900", algs=/,
      );
      assert.match(got.text, /"sign-in-insufficient".*sign-in of the last 900 seconds/);
      const entry = (await world.entries()).at(-1);
      assert.equal(entry?.decision, "deny");
      assert.deepEqual(entry?.obligations, ["step-up max-age:900"]);
      assert.equal((await world.askAs(late, "GET", "/fhir/Observation/plain")).status, 200);
    });
  }

  test("is left out of a search until then", async (t) => {
    const { world, doctor } = await scene(t);
    const late = await world.askAs(signedInAt(doctor, longAgoSeconds), "GET", search);
    assert.deepEqual(ids(late), ["plain"]);
    const fresh = await world.askAs(doctor, "GET", search);
    assert.deepEqual([...ids(fresh)].sort(), ["note", "plain"]);
  });
});
