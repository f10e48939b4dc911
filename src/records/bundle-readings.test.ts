import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { testWorld, type Got, type TestWorld } from "#records/testing.ts";

const lab = (id: string, status: string): object => ({
  resourceType: "Observation",
  id,
  status,
  code: { text: "x" },
  subject: { reference: "Patient/ana" },
});

interface Entry {
  readonly resource?: {
    readonly resourceType: string;
    readonly id: string;
    readonly total?: number;
  };
  readonly response: { readonly status: string };
}

interface Scene {
  readonly world: TestWorld;
  readonly transact: (...entry: readonly object[]) => Promise<Got>;
  readonly statusOf: (id: string) => Promise<string>;
}

/** A doctor who cares for Ana, and not for Ben. */
async function scene(t: TestContext): Promise<Scene> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Patient", id: "ben" },
    lab("one", "preliminary"),
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  return {
    world,
    transact: (...entry) =>
      world.askAs(doctor, "POST", "/fhir", {
        body: JSON.stringify({ resourceType: "Bundle", type: "transaction", entry }),
      }),
    statusOf: async (id) => {
      const { text } = await world.askAs(doctor, "GET", `/fhir/Observation/${id}`);
      return (JSON.parse(text) as { status: string }).status;
    },
  };
}

const read = (url: string): object => ({ request: { method: "GET", url } });
const put = (id: string, status: string): object => ({
  resource: lab(id, status),
  request: { method: "PUT", url: `Observation/${id}` },
});

function entriesOf(got: Got): readonly Entry[] {
  assert.equal(got.status, 200, got.text);
  return (JSON.parse(got.text) as { entry: readonly Entry[] }).entry;
}

test("a GET of a transaction sees what its other entries made, wherever it stands", async (t) => {
  const { world, transact } = await scene(t);
  const got = await transact(
    read("Observation?patient=ana&status=final"),
    put("one", "final"),
    read("Observation/two"),
    put("two", "final"),
  );
  const [found, , two] = entriesOf(got);
  assert.deepEqual(
    entriesOf(got).map(({ response }) => response.status.slice(0, 3)),
    ["200", "200", "200", "201"],
  );
  assert.equal(found?.resource?.total, 2);
  assert.equal(two?.resource?.id, "two");
  const actions = (await world.entries()).flatMap(({ actor, action }) =>
    actor === null || actor.startsWith("process:") || action === "import" ? [] : [action],
  );
  assert.deepEqual(actions.slice(-4).sort(), ["create", "read", "search", "update"]);
});

test("what a GET could not read is told in its entry, since the writes are done by then", async (t) => {
  const { transact, statusOf } = await scene(t);
  const got = await transact(put("one", "final"), read("Observation/none"), read("Patient/ben"));
  assert.deepEqual(
    entriesOf(got).map(({ response }) => response.status.slice(0, 3)),
    ["200", "404", "403"],
  );
  assert.equal(await statusOf("one"), "final");
});

test("a search that cannot be read refuses the whole before anything is written", async (t) => {
  const { transact, statusOf } = await scene(t);
  const got = await transact(put("one", "final"), read("Observation?patient=ana&nothing=1"));
  assert.equal(got.status, 400, got.text);
  assert.equal(await statusOf("one"), "preliminary");
});

test("a transaction that only reads fails as a whole", async (t) => {
  const { transact } = await scene(t);
  const both = await transact(read("Observation/one"), read("Patient/ana"));
  assert.deepEqual(
    entriesOf(both).map(({ resource }) => resource?.id),
    ["one", "ana"],
  );
  const got = await transact(read("Observation/one"), read("Observation/none"));
  assert.equal(got.status, 404, got.text);
});
