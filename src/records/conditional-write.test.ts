import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Dispatcher } from "undici";
import { testWorld, type AskOptions, type Got, type TestWorld } from "#records/testing.ts";

const system = "urn:lab";

const lab = (number: string, more: object = {}): object => ({
  resourceType: "Observation",
  status: "final",
  identifier: [{ system, value: number }],
  code: { text: "x" },
  subject: { reference: "Patient/ana" },
  ...more,
});

interface Scene {
  readonly world: TestWorld;
  readonly ask: (method: Dispatcher.HttpMethod, path: string, options?: AskOptions) => Promise<Got>;
  /** How many observations Ana has. */
  readonly count: () => Promise<number>;
}

/** A doctor who cares for Ana, and asks; two of her results share a number. */
async function scene(t: TestContext): Promise<Scene> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Patient", id: "ben" },
    { ...lab("1"), id: "one" },
    { ...lab("2"), id: "twin-a" },
    { ...lab("2"), id: "twin-b" },
    { ...lab("3", { subject: { reference: "Patient/ben" } }), id: "bens" },
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  const ask: Scene["ask"] = (...asked) => world.askAs(doctor, ...asked);
  const count = async (): Promise<number> =>
    (
      JSON.parse((await ask("GET", "/fhir/Observation?patient=ana&_count=0")).text) as {
        total: number;
      }
    ).total;
  return { world, ask, count };
}

const sent = (resource: object, headers: Record<string, string> = {}): AskOptions => ({
  body: JSON.stringify(resource),
  headers,
});
const unless = (number: string): Record<string, string> => ({
  "if-none-exist": `identifier=${system}|${number}`,
});
const where = (number: string): string =>
  `/fhir/Observation?patient=ana&identifier=${encodeURIComponent(`${system}|${number}`)}`;

function codeOf({ text }: Got): string {
  const { issue } = JSON.parse(text) as { issue: { details: { coding: { code: string }[] } }[] };
  return issue[0]?.details.coding[0]?.code ?? "none";
}

test("what is not there is created, and what is there is told, as it was stored", async (t) => {
  const { ask, count } = await scene(t);
  const body = JSON.stringify(lab("9", { valueQuantity: { value: 1 } })).replace(":1}", ":1.50}");
  const first = await ask("POST", "/fhir/Observation", { body, headers: unless("9") });
  const second = await ask("POST", "/fhir/Observation", { body, headers: unless("9") });
  assert.deepEqual([first.status, second.status], [201, 200]);
  assert.equal(second.headers["location"], first.headers["location"]);
  assert.equal(second.headers["etag"], 'W/"1"');
  assert.equal(second.text, first.text);
  assert.ok(second.text.includes("1.50"));
  assert.equal(await count(), 4);
});

test("of two who create the same thing at once one makes it, and the other is told of it", async (t) => {
  const { ask, count } = await scene(t);
  const both = await Promise.all(
    Array.from({ length: 6 }, () => ask("POST", "/fhir/Observation", sent(lab("9"), unless("9")))),
  );
  assert.equal(both.filter(({ status }) => status === 201).length, 1);
  assert.equal(both.filter(({ status }) => status === 200).length, 5);
  assert.equal(new Set(both.map(({ headers }) => headers["location"])).size, 1);
  assert.equal(await count(), 4);
});

test("a condition that two resources meet changes nothing", async (t) => {
  const { ask, count } = await scene(t);
  for (const got of [
    await ask("POST", "/fhir/Observation", sent(lab("2"), unless("2"))),
    await ask("PUT", where("2"), sent(lab("2"))),
    await ask("DELETE", where("2")),
  ])
    assert.deepEqual([got.status, codeOf(got)], [412, "multiple-matches"]);
  assert.equal(await count(), 3);
});

test("a condition is looked for in the record of the resource's patient alone", async (t) => {
  const { ask, world } = await scene(t);
  const got = await ask("POST", "/fhir/Observation", sent(lab("3"), unless("3")));
  assert.equal(got.status, 201, got.text);
  const other = lab("3", { subject: { reference: "Patient/ben" } });
  const refused = await ask("POST", "/fhir/Observation", sent(other, unless("3")));
  assert.deepEqual([refused.status, codeOf(refused)], [403, "forbidden"]);
  const last = (await world.entries()).at(-1);
  assert.deepEqual([last?.action, last?.decision], ["search", "deny"]);
});

test("an update by condition changes the one that meets it, and creates where none does", async (t) => {
  const { ask } = await scene(t);
  const changed = await ask("PUT", where("1"), sent(lab("1", { status: "amended" })));
  assert.deepEqual([changed.status, changed.headers["etag"]], [200, 'W/"2"']);
  assert.equal((JSON.parse(changed.text) as { id: string }).id, "one");
  const created = await ask("PUT", where("8"), sent(lab("8")));
  assert.equal(created.status, 201, created.text);
  const chosen = await ask("PUT", where("7"), sent({ ...lab("7"), id: "mine" }));
  assert.deepEqual([chosen.status, (JSON.parse(chosen.text) as { id: string }).id], [201, "mine"]);
});

test("an update by condition never writes over something that does not meet it", async (t) => {
  const { ask } = await scene(t);
  const other = await ask("PUT", where("1"), sent({ ...lab("1"), id: "twin-a" }));
  assert.deepEqual([other.status, codeOf(other)], [400, "resource-id-mismatch"]);
  const unmet = await ask("PUT", where("6"), sent({ ...lab("6"), id: "twin-a" }));
  assert.deepEqual([unmet.status, codeOf(unmet)], [409, "edit-conflict"]);
  assert.equal((await ask("GET", "/fhir/Observation/twin-a")).headers["etag"], 'W/"1"');
});

test("If-Match holds for what a condition finds, too", async (t) => {
  const { ask } = await scene(t);
  const stale = { "if-match": 'W/"2"' };
  const put = await ask("PUT", where("1"), sent(lab("1"), stale));
  assert.deepEqual([put.status, codeOf(put)], [412, "version-conflict"]);
  const gone = await ask("DELETE", where("1"), { headers: stale });
  assert.deepEqual([gone.status, codeOf(gone)], [412, "version-conflict"]);
  assert.equal((await ask("DELETE", where("1"), { headers: { "if-match": 'W/"1"' } })).status, 204);
});

test("a deletion by condition deletes the one that meets it, and otherwise nothing", async (t) => {
  const { ask, count } = await scene(t);
  assert.equal((await ask("DELETE", where("1"))).status, 204);
  assert.equal((await ask("DELETE", where("1"))).status, 204);
  assert.equal(await count(), 2);
});

test("a condition that asks for nothing, or for how to answer, is refused", async (t) => {
  const { ask } = await scene(t);
  for (const [path, code] of [
    ["/fhir/Observation", "parameter-invalid"],
    ["/fhir/Observation?patient=ana&_count=1", "parameter-unknown"],
    ["/fhir/Observation?patient=ana&_include=Observation:subject", "parameter-unknown"],
  ] as const) {
    const got = await ask("DELETE", path);
    assert.deepEqual([got.status, codeOf(got)], [400, code]);
  }
});

test("who holds the newest version is told so, and the reading is logged", async (t) => {
  const { ask, world } = await scene(t);
  const path = "/fhir/Observation/one";
  const read = await ask("GET", path);
  const same = await ask("GET", path, {
    headers: { "if-none-match": String(read.headers["etag"]) },
  });
  assert.deepEqual([same.status, same.text, same.headers["etag"]], [304, "", 'W/"1"']);
  const dated = await ask("GET", path, {
    headers: { "if-modified-since": String(read.headers["last-modified"]) },
  });
  assert.equal(dated.status, 304);
  const last = (await world.entries()).at(-1);
  assert.deepEqual([last?.action, last?.decision, last?.count], ["read", "permit", 0]);
  await ask("PUT", path, sent({ ...lab("1"), id: "one" }));
  const newer = await ask("GET", path, { headers: { "if-none-match": 'W/"1"' } });
  assert.equal(newer.status, 200);
});

test("a caller who prefers an outcome gets one for each kind of write", async (t) => {
  const { ask } = await scene(t);
  const prefer = { prefer: "return=OperationOutcome" };
  for (const got of [
    await ask("POST", "/fhir/Observation", sent(lab("9"), { ...prefer, ...unless("9") })),
    await ask("POST", "/fhir/Observation", sent(lab("9"), { ...prefer, ...unless("9") })),
    await ask("PUT", where("9"), sent(lab("9"), prefer)),
    await ask("DELETE", where("9"), { headers: prefer }),
  ]) {
    const outcome = JSON.parse(got.text) as { resourceType: string; issue: { severity: string }[] };
    assert.equal(outcome.resourceType, "OperationOutcome");
    assert.equal(outcome.issue[0]?.severity, "information");
  }
});
