import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

const lab = (id: string, patient: string, more: object = {}): object => ({
  resourceType: "Observation",
  id,
  status: "final",
  code: { text: "x" },
  subject: { reference: `Patient/${patient}` },
  ...more,
});

interface Scene {
  readonly world: TestWorld;
  readonly doctor: TestPerson;
  readonly ana: TestPerson;
}

/** A doctor who cares for Ana; Ana's results were changed and one was deleted; Ben is somebody else's. */
async function scene(t: TestContext): Promise<Scene> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Practitioner", id: "doc" },
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Patient", id: "ben" },
    ...["a", "b", "c"].map((id) => lab(id, "ana")),
    lab("bens", "ben"),
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  const body = JSON.stringify(lab("a", "ana", { status: "amended" }));
  assert.equal((await world.askAs(doctor, "PUT", "/fhir/Observation/a", { body })).status, 200);
  assert.equal((await world.askAs(doctor, "DELETE", "/fhir/Observation/b")).status, 204);
  return { world, doctor, ana };
}

interface Page {
  readonly type: string;
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly {
    readonly request: { readonly method: string; readonly url: string };
    readonly response: { readonly etag: string };
  }[];
}

function pageOf(got: Got): Page {
  assert.equal(got.status, 200, got.text);
  const page = JSON.parse(got.text) as Page;
  assert.equal(page.type, "history");
  return page;
}
const shown = (got: Got): readonly string[] =>
  (pageOf(got).entry ?? []).map(
    ({ request, response }) => `${request.method} ${request.url} ${response.etag}`,
  );
const sorted = (list: readonly string[]): readonly string[] =>
  list.toSorted((a, b) => a.localeCompare(b));

function codeOf({ text }: Got): string {
  const { issue } = JSON.parse(text) as { issue: { details: { coding: { code: string }[] } }[] };
  return issue[0]?.details.coding[0]?.code ?? "none";
}

const all = [
  'PUT Observation/a W/"1"',
  'PUT Observation/a W/"2"',
  'PUT Observation/b W/"1"',
  'DELETE Observation/b W/"2"',
  'PUT Observation/c W/"1"',
];

test("the history of a type holds every version in the records that the caller may see", async (t) => {
  const { world, doctor, ana } = await scene(t);
  for (const person of [doctor, ana]) {
    const got = await world.askAs(person, "GET", "/fhir/Observation/_history");
    assert.deepEqual(sorted(shown(got)), sorted(all));
    assert.deepEqual(shown(got).slice(0, 2), [all[3], all[1]], "newest first");
  }
});

test("the history of the system holds all types, the organisation's too where that is permitted", async (t) => {
  const { world, doctor, ana } = await scene(t);
  const rest = ['PUT CareTeam/team W/"1"', 'PUT Patient/ana W/"1"', 'PUT Practitioner/doc W/"1"'];
  for (const person of [doctor, ana]) {
    const got = await world.askAs(person, "GET", "/fhir/_history");
    assert.deepEqual(sorted(shown(got)), sorted([...all, ...rest]));
  }
});

test("pages follow each other without gap or repetition, and end", async (t) => {
  const { world, doctor, ana } = await scene(t);
  const seen: string[] = [];
  let path = "/fhir/Observation/_history?_count=2";
  for (let page = 0; page < 3; page += 1) {
    const got = await world.askAs(doctor, "GET", path);
    seen.push(...shown(got));
    const next = pageOf(got).link.find(({ relation }) => relation === "next");
    assert.equal(next === undefined, page === 2);
    if (next === undefined) break;
    path = next.url.replace("https://localhost:8443", "");
    const stolen = await world.askAs(ana, "GET", path);
    assert.deepEqual([stolen.status, codeOf(stolen)], [400, "parameter-invalid"]);
  }
  assert.deepEqual(sorted(seen), sorted(all));
});

test("_since leaves out what is older", async (t) => {
  const { world, doctor } = await scene(t);
  world.clock.shiftMs = 5_000;
  const since = new Date(world.clock.now()).toISOString();
  const body = JSON.stringify(lab("c", "ana", { status: "amended" }));
  await world.askAs(doctor, "PUT", "/fhir/Observation/c", { body });
  const got = await world.askAs(doctor, "GET", `/fhir/Observation/_history?_since=${since}`);
  assert.deepEqual(shown(got), ['PUT Observation/c W/"2"']);
});

test("each record of which something is shown is logged, with how much", async (t) => {
  const { world, doctor } = await scene(t);
  const before = (await world.entries()).length;
  await world.askAs(doctor, "GET", "/fhir/Observation/_history");
  const told = (await world.entries()).slice(before);
  assert.deepEqual(
    told.map(({ action, decision, count, resourceType }) => [
      action,
      decision,
      count,
      resourceType,
    ]),
    [["history", "permit", 5, "Observation"]],
  );
  assert.notEqual(told[0]?.patient, null);
});

test("one patient's record can be named, and another's is refused", async (t) => {
  const { world, doctor } = await scene(t);
  const own = await world.askAs(doctor, "GET", "/fhir/_history?patient=ana&_count=1000");
  assert.equal(shown(own).length, all.length + 2);
  const other = await world.askAs(doctor, "GET", "/fhir/_history?patient=ben");
  assert.deepEqual([other.status, codeOf(other)], [403, "forbidden"]);
});

test("who may see no history at all is refused", async (t) => {
  const { world } = await scene(t);
  const officer = await world.person({ roles: ["privacy-officer"] });
  const got = await world.askAs(officer, "GET", "/fhir/_history");
  assert.deepEqual([got.status, codeOf(got)], [403, "forbidden"]);
});

for (const [query, code] of [
  ["_since=soon", "parameter-invalid"],
  ["_count=0", "parameter-invalid"],
  ["_count=x", "parameter-invalid"],
  ["_sort=date", "parameter-unknown"],
  ["patient=a%20b", "parameter-invalid"],
  ["_cursor=1.AAAA", "parameter-invalid"],
] as const)
  test(`a history asked for with ${query} is answered with ${code}`, async (t) => {
    const { world, doctor } = await scene(t);
    const got = await world.askAs(doctor, "GET", `/fhir/Observation/_history?${query}`);
    assert.deepEqual([got.status, codeOf(got)], [400, code]);
  });
