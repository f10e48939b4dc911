import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { pieceLimits } from "#records/everything/pieces.ts";
import { parseResourceId } from "#core/ids.ts";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

interface Bundle {
  readonly resourceType: string;
  readonly type: string;
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly {
    readonly fullUrl: string;
    readonly resource: { readonly resourceType: string; readonly id: string };
    readonly search: { readonly mode: string };
  }[];
}

const bundleIn = (got: Got): Bundle => {
  assert.equal(got.status, 200, got.text);
  return JSON.parse(got.text) as Bundle;
};
const namesIn = ({ entry = [] }: Bundle): readonly string[] =>
  entry.map(({ resource }) => `${resource.resourceType}/${resource.id}`);

const code = { text: "a code" };
const observation = (id: string, patient: string, more: object = {}): object => ({
  resourceType: "Observation",
  id,
  status: "final",
  code,
  subject: { reference: `Patient/${patient}` },
  ...more,
});
const psychotherapy = {
  meta: {
    security: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "PSYTHPN" }],
  },
};

async function chart(t: TestContext): Promise<{ world: TestWorld; ana: TestPerson }> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Organization", id: "clinic", name: "A clinic" },
    { resourceType: "Practitioner", id: "lee", name: [{ family: "Lee" }] },
    { resourceType: "Practitioner", id: "unnamed", name: [{ family: "Else" }] },
    {
      resourceType: "Patient",
      id: "ana",
      managingOrganization: { reference: "Organization/clinic" },
    },
    { resourceType: "Patient", id: "ben" },
    observation("o1", "ana", {
      effectiveDateTime: "2024-03-05",
      performer: [{ reference: "Practitioner/lee" }],
      valueQuantity: { value: 1.5, unit: "mg" },
    }),
    observation("o2", "ana", { effectiveDateTime: "2025-06-01" }),
    observation("o3", "ana", { effectiveDateTime: "2025-06-01", ...psychotherapy }),
    observation("o4", "ben"),
    {
      resourceType: "Condition",
      id: "c1",
      code,
      subject: { reference: "Patient/ana" },
      recordedDate: "2024-03-06",
    },
  ]);
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  return { world, ana };
}

const path = "/fhir/Patient/ana/$everything";

test("everything is the whole record and what it names, each once, without therapy notes", async (t) => {
  const { world, ana } = await chart(t);
  const bundle = bundleIn(await world.askAs(ana, "GET", path));
  assert.equal(bundle.type, "searchset");
  assert.deepEqual(namesIn(bundle), [
    "Patient/ana",
    "Condition/c1",
    "Observation/o1",
    "Observation/o2",
    "Organization/clinic",
    "Practitioner/lee",
  ]);
  const modes = (bundle.entry ?? []).map(({ search }) => search.mode);
  assert.deepEqual(modes, ["match", "match", "match", "match", "include", "include"]);
});

test("the copy is one entry in the log for each whose data it shows", async (t) => {
  const { world, ana } = await chart(t);
  await world.askAs(ana, "GET", path);
  const entries = (await world.entries()).filter(({ action }) => action === "export");
  const id = parseResourceId("ana");
  assert.ok(id !== null);
  const pseudonym = world.vault.pseudonymOf(id);
  assert.deepEqual(
    entries.map(({ decision, patient, count, purpose }) => ({ decision, patient, count, purpose })),
    [
      { decision: "permit", patient: pseudonym, count: 4, purpose: "PATRQT" },
      { decision: "permit", patient: null, count: 2, purpose: "PATRQT" },
    ],
  );
  assert.ok(entries[0]?.reasons.includes("patient-own-copy"));
  assert.deepEqual(entries[0]?.categories, ["Condition", "Observation", "Patient"]);
});

test("dates of care, types and the time of writing narrow what comes", async (t) => {
  const { world, ana } = await chart(t);
  const namesAt = async (query: string): Promise<readonly string[]> =>
    namesIn(bundleIn(await world.askAs(ana, "GET", `${path}?${query}`)));
  assert.deepEqual(await namesAt("start=2025-01-01&_type=Observation,Condition"), [
    "Observation/o2",
  ]);
  assert.deepEqual(await namesAt("end=2024-12&_type=Observation,Condition"), [
    "Condition/c1",
    "Observation/o1",
  ]);
  assert.deepEqual(await namesAt("_type=Practitioner"), []);
  assert.deepEqual(await namesAt("_type=Patient"), ["Patient/ana"]);
  assert.deepEqual(await namesAt("_since=2999-01-01T00:00:00Z"), []);
  const entries = await world.entries();
  assert.equal(entries.at(-1)?.action, "export", "that there was nothing is an answer, too");
});

for (const [query, code, at] of [
  ["_since=yesterday", "parameter-invalid", "_since"],
  ["start=2024-13", "parameter-invalid", "start"],
  ["start=2025&end=2024", "parameter-invalid", "end"],
  ["_type=Nonsense", "parameter-invalid", "_type"],
  ["_count=0", "parameter-invalid", "_count"],
  ["_count=-1e9", "parameter-invalid", "_count"],
  ["_count=2&_count=3", "parameter-invalid", "_count"],
  ["_cursor=1.abc", "parameter-invalid", "_cursor"],
  ["name=x", "parameter-unknown", "name"],
] as const)
  test(`everything with ${query} is refused by the parameter's name`, async (t) => {
    const { world, ana } = await chart(t);
    const got = await world.askAs(ana, "GET", `${path}?${query}`);
    assert.equal(got.status, 400, got.text);
    assert.match(got.text, new RegExp(`"code":"${code}"[^]*"expression":\\["${at}"\\]`));
  });

test("pages give the whole once, and their cursor is of one record and one person", async (t) => {
  const { world, ana } = await chart(t);
  const seen: string[] = [];
  let next: string | undefined = `${path}?_count=2`;
  for (let pages = 0; next !== undefined; pages += 1) {
    assert.ok(pages < 5);
    const bundle: Bundle = bundleIn(await world.askAs(ana, "GET", next));
    const own = (bundle.entry ?? []).filter(({ search }) => search.mode === "match");
    seen.push(...namesIn({ ...bundle, entry: own }));
    const url = bundle.link.find(({ relation }) => relation === "next")?.url;
    next = url === undefined ? undefined : new URL(url).pathname + new URL(url).search;
    if (next === undefined) continue;
    const stranger = await world.person({ roles: ["patient"] });
    assert.equal((await world.askAs(stranger, "GET", next)).status, 400);
  }
  assert.deepEqual(seen, ["Patient/ana", "Condition/c1", "Observation/o1", "Observation/o2"]);
});

test("a POST takes its parameters from the body", async (t) => {
  const { world, ana } = await chart(t);
  const parameter = [{ name: "_type", valueCode: "Condition" }];
  const body = JSON.stringify({ resourceType: "Parameters", parameter });
  const bundle = bundleIn(await world.askAs(ana, "POST", path, { body }));
  assert.deepEqual(namesIn(bundle), ["Condition/c1"]);
  const wrong = JSON.stringify({ resourceType: "Parameters", parameter: [{ name: "_type" }] });
  const refused = await world.askAs(ana, "POST", path, { body: wrong });
  assert.match(refused.text, /Parameters\.parameter\[0\]/);
});

test("another's record and none look alike, and the log tells them apart", async (t) => {
  const { world, ana } = await chart(t);
  const [another, none] = [
    await world.askAs(ana, "GET", "/fhir/Patient/ben/$everything"),
    await world.askAs(ana, "GET", "/fhir/Patient/nobody/$everything"),
  ];
  assert.deepEqual([another.status, another.text], [404, none.text]);
  const decisions = (await world.entries()).slice(-2).map(({ decision }) => decision);
  assert.deepEqual(decisions, ["deny", "error"]);
});

test("a long record comes in steps, each with an entry of its own", async (t) => {
  const { world, ana } = await chart(t);
  const text = "x".repeat(8_000);
  const many = Array.from({ length: 4 * pieceLimits.resources }, (_, n) =>
    observation(`many-${n}`, "ana", { note: [{ text }] }),
  );
  await world.bring(many);
  const whole = bundleIn(await world.askAs(ana, "GET", path));
  assert.equal(new Set(namesIn(whole)).size, many.length + 6);
  const steps = (await world.entries()).filter(
    ({ action, patient }) => action === "export" && patient !== null,
  );
  assert.equal(steps.length, 5);
  assert.equal(new Set(steps.map(({ requestId }) => requestId)).size, 1);
});

test("a row that does not open ends the copy and is told to the log as an alarm", async (t) => {
  const { world, ana } = await chart(t);
  await world.db.query("UPDATE records.resource SET sealed = $1 WHERE id = 'o2'", [
    Buffer.alloc(64),
  ]);
  const got = await world.askAs(ana, "GET", path);
  assert.equal(got.status, 500);
  const last = (await world.entries()).at(-1);
  assert.deepEqual(
    [last?.action, last?.signal, last?.resourceId],
    ["export", "record-damaged", "o2"],
  );
});

test("large documents come in steps of few, so that a record of many never lies in memory whole", async (t) => {
  const { world, ana } = await chart(t);
  const data = Buffer.alloc(2.5 * 1024 * 1024).toString("base64");
  const letter = (n: number): object => ({
    resourceType: "DocumentReference",
    id: `letter-${n}`,
    status: "current",
    subject: { reference: "Patient/ana" },
    content: [{ attachment: { contentType: "application/pdf", data } }],
  });
  for (const n of [1, 2, 3, 4]) await world.bring([letter(n)]);
  const got = await world.askAs(ana, "GET", `${path}?_type=DocumentReference`);
  assert.equal(namesIn(bundleIn(got)).length, 4);
  const steps = (await world.entries()).filter(({ action, count }) => action === "export" && count);
  assert.ok(4 * data.length > pieceLimits.bytes);
  assert.deepEqual(
    steps.map(({ count }) => count),
    [2, 2],
  );
});
