import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { PolicyRequest } from "#core/policy-request.ts";
import { testWorld, type AskOptions, type Got, type TestWorld } from "#records/testing.ts";

const actCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const psychotherapy = { system: actCode, code: "PSYTHPN" };
const own = { system: "urn:clinic:marks", code: "staff-only" };
const note = {
  resourceType: "Observation",
  id: "note",
  status: "final",
  code: { text: "x" },
  subject: { reference: "Patient/ana" },
};
const labelled = { ...note, meta: { security: [psychotherapy, own] } };
const path = "/fhir/Observation/note";

interface Scene {
  readonly world: TestWorld;
  readonly doctor: (
    method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE",
    path: string,
    options?: AskOptions,
  ) => Promise<Got>;
  readonly patient: () => Promise<Got>;
  readonly asked: PolicyRequest[];
}

async function scene(t: TestContext): Promise<Scene> {
  const asked: PolicyRequest[] = [];
  const world = await testWorld(t, {
    authorizer: (authorizer) => ({
      ...authorizer,
      decide: (request) => {
        asked.push(request);
        return authorizer.decide(request);
      },
    }),
  });
  await world.bring([
    { resourceType: "Patient", id: "ana" },
    labelled,
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  const ana = await world.person({
    roles: ["patient"],
    patients: ["ana"],
  });
  return {
    world,
    asked,
    doctor: (...request) => world.askAs(doctor, ...request),
    patient: () => world.askAs(ana, "GET", path),
  };
}

const codesOf = ({ text }: Got): readonly string[] =>
  (JSON.parse(text) as { meta: { security?: { code: string }[] } }).meta.security?.map(
    ({ code }) => code,
  ) ?? [];

const body = (value: unknown): string => JSON.stringify(value);
const jsonPatch = { "content-type": "application/json-patch+json" };

const strips: Record<string, (scene: Scene) => Promise<unknown>> = {
  "a PUT": ({ doctor }) => doctor("PUT", path, { body: body(note) }),
  "a PATCH": ({ doctor }) =>
    doctor("PATCH", path, {
      body: body([{ op: "remove", path: "/meta/security" }]),
      headers: jsonPatch,
    }),
  "a transaction": ({ doctor }) =>
    doctor("POST", "/fhir", {
      body: body({
        resourceType: "Bundle",
        type: "transaction",
        entry: [{ resource: note, request: { method: "PUT", url: "Observation/note" } }],
      }),
    }),
  "a conditional update": ({ doctor }) =>
    doctor("PUT", "/fhir/Observation?patient=ana&_id=note", { body: body(note) }),
  "an import": ({ world }) => world.bring([note]),
  "an import of the same twice": ({ world }) => world.bring([note, { ...note, status: "amended" }]),
  "a deletion and a new beginning": async ({ doctor }) => {
    assert.equal((await doctor("DELETE", path)).status, 204);
    const again = await doctor("PUT", path, { body: body(note) });
    assert.equal(again.status, 201, again.text);
  },
};

for (const [what, strip] of Object.entries(strips))
  test(`no label goes by ${what} that leaves it out`, async (t) => {
    const at = await scene(t);
    await strip(at);
    const read = await at.doctor("GET", path);
    assert.deepEqual(codesOf(read), ["PSYTHPN", "staff-only"], read.text);
    assert.notEqual(read.headers["etag"], 'W/"1"');
    assert.equal((await at.patient()).status, 404);
  });

test("a label that only the codes implied stays when the codes go", async (t) => {
  const { world, doctor } = await scene(t);
  const coded = { ...note, code: { coding: [{ system: "http://loinc.org", code: "20447-9" }] } };
  await world.bring([{ ...coded, id: "viral-load" }]);
  const got = await doctor("PUT", "/fhir/Observation/viral-load", {
    body: body({ ...note, id: "viral-load" }),
  });
  assert.deepEqual(codesOf(got), ["HIV"]);
});

test("policy is asked about an update and a deletion with the labels of what stands there", async (t) => {
  const { doctor, asked } = await scene(t);
  await doctor("PUT", path, { body: body(note) });
  await doctor("DELETE", path);
  const labels = asked
    .filter(({ action }) => action === "update" || action === "delete")
    .map(({ action, resource }) => [action, resource.labels]);
  assert.deepEqual(labels, [
    ["update", ["psychotherapy"]],
    ["delete", ["psychotherapy"]],
  ]);
});

const why = (activity: string, words: string): Record<string, string> => ({
  "x-provenance": JSON.stringify({
    resourceType: "Provenance",
    recorded: "2026-01-01T00:00:00Z",
    agent: [{ who: { reference: "Practitioner/doc" } }],
    activity: { coding: [{ system: actCode, code: activity }] },
    reason: [{ text: words }],
  }),
});

test("a label goes for a stated reason, which is kept, and the log names it", async (t) => {
  const { world, doctor, patient } = await scene(t);
  assert.equal((await patient()).status, 404);
  const headers = why("DECLASSIFYLABEL", "Labelled by mistake: no such note.");
  const got = await doctor("PUT", path, { body: body(note), headers });
  assert.deepEqual([got.status, codesOf(got)], [200, []], got.text);
  const told = (await world.entries()).filter(({ action }) => action === "update");
  assert.deepEqual(
    told.map(({ reasons }) => reasons),
    [["clinician-relabel", "clinician-care-team", "unlabelled-psychotherapy"]],
  );
  const kept = await world.db.query("SELECT 1 FROM records.resource WHERE type = 'Provenance'");
  assert.equal(kept.length, 1);
  assert.equal((await patient()).status, 200);
});

for (const [what, activity, words] of [
  ["without words", "DECLASSIFYLABEL", "no"],
  ["of another deed", "UPDATE", "Labelled by mistake: no such note."],
] as const)
  test(`a Provenance ${what} takes no label off`, async (t) => {
    const { doctor } = await scene(t);
    const got = await doctor("PUT", path, { body: body(note), headers: why(activity, words) });
    assert.deepEqual(codesOf(got), ["PSYTHPN", "staff-only"], got.text);
  });
