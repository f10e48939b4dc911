import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { FoundEntry } from "#audit/queries.ts";
import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import { systemClock } from "#core/clock.ts";
import type { AccessLogPage } from "#core/wire.ts";
import { linesOf } from "#records/access-log.ts";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

async function scene(
  t: TestContext,
): Promise<{ world: TestWorld; ana: TestPerson; doctor: TestPerson }> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Practitioner", id: "doc", name: [{ prefix: ["Dr."], family: "Okafor" }] },
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Patient", id: "ben" },
    {
      resourceType: "Condition",
      id: "c",
      code: { text: "x" },
      subject: { reference: "Patient/ana" },
    },
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  return { world, ana, doctor };
}

const path = "/api/records/access-log?patient=ana";

function page(got: Got): AccessLogPage {
  assert.equal(got.status, 200, got.text);
  return JSON.parse(got.text) as AccessLogPage;
}

const shown = ({ readings }: AccessLogPage): readonly string[] =>
  readings.map(({ who, action, decision, count }) => `${who}: ${action} ${decision} ${count}`);

test("a patient sees who has looked, by name, her own readings among them", async (t) => {
  const { world, ana, doctor } = await scene(t);
  const stranger = await world.person({ roles: ["clinician"], practitioner: "other" });
  await world.askAs(doctor, "GET", "/fhir/Condition/c");
  await world.askAs(stranger, "GET", "/fhir/Condition/c");
  await world.askAs(ana, "GET", "/fhir/Condition?patient=ana");
  await world.askAs(ana, "GET", path);
  const seen = page(await world.askAs(ana, "GET", path));
  assert.deepEqual(shown(seen), [
    "You: access-log permit 4",
    "You: search permit 1",
    "A clinician: read deny 0",
    "Dr. Okafor: read permit 1",
    "Phylax import: import permit 3",
  ]);
  const [, search, , read] = seen.readings;
  assert.deepEqual(
    [read?.role, read?.purpose, read?.resourceType],
    ["clinician", "TREAT", "Condition"],
  );
  assert.deepEqual(search?.categories, ["Condition"]);
  assert.equal(read?.origin, `phylax/${world.database.tenant}/records`);
  assert.ok(Number.isInteger(read?.index));
});

test("looking at who has looked is in the log before it is answered", async (t) => {
  const { world, ana } = await scene(t);
  await world.askAs(ana, "GET", path);
  const last = (await world.entries()).at(-1);
  assert.deepEqual(
    [last?.action, last?.decision, last?.actor],
    ["access-log", "permit", ana.account],
  );
});

test("who has looked at others is nobody's to see, whether they exist or not", async (t) => {
  const { world, ana, doctor } = await scene(t);
  const others = await world.askAs(ana, "GET", "/api/records/access-log?patient=ben");
  const nobodys = await world.askAs(ana, "GET", "/api/records/access-log?patient=nobody");
  assert.deepEqual([others.status, others.text], [403, nobodys.text]);
  assert.equal((await world.askAs(doctor, "GET", path)).status, 403);
});

test("a privacy officer sees it for any patient", async (t) => {
  const { world } = await scene(t);
  const officer = await world.person({ roles: ["privacy-officer"] });
  assert.deepEqual(shown(page(await world.askAs(officer, "GET", path))), [
    "Phylax import: import permit 3",
  ]);
});

test("pages go back to the first entry", async (t) => {
  const { world, ana } = await scene(t);
  for (let n = 0; n < 210; n += 1) await world.askAs(ana, "GET", "/fhir/Condition/c");
  const first = page(await world.askAs(ana, "GET", path));
  assert.ok(first.next !== null);
  const rest = page(await world.askAs(ana, "GET", `${path}&before=${first.next}`));
  assert.equal(rest.next, null);
  assert.equal(rest.readings.at(-1)?.who, "Phylax import");
  const reads = [...first.readings, ...rest.readings].filter(({ action }) => action === "read");
  assert.equal(reads.length, 210);
});

for (const query of ["", "?patient=", "?patient=a/b", `${path.slice(path.indexOf("?"))}&before=x`])
  test(`the question "${query}" is refused as invalid`, async (t) => {
    const { world, ana } = await scene(t);
    const got = await world.askAs(ana, "GET", `/api/records/access-log${query}`);
    assert.equal(got.status, 400, got.text);
    assert.match(got.text, /parameter-invalid/);
  });

function placed(index: number, more: Partial<AuditEntry>): FoundEntry {
  const known = { time: systemClock.now(), action: "read", decision: "permit" } as const;
  return { entry: auditEntry({ ...known, ...more }), place: { origin: "o", index }, logId: 1 };
}

test("neighbours of one request are one line, with what they have in common", () => {
  const request = { requestId: "r1", count: 1 };
  const lines = linesOf(
    [
      placed(5, { ...request, resourceType: "Condition", categories: ["Condition"] }),
      placed(4, { ...request, resourceType: "Condition", categories: ["Condition"] }),
      placed(3, { ...request, resourceType: "Observation", categories: ["Observation"] }),
      placed(2, { ...request, requestId: "r2", resourceType: "Patient", categories: ["Patient"] }),
      placed(1, { ...request, requestId: "r2", decision: "deny", resourceType: "Patient" }),
      placed(0, { requestId: null, count: 1 }),
    ],
    () => "You",
  );
  assert.deepEqual(
    lines.map(({ index, resourceType, count, categories }) => [
      index,
      resourceType,
      count,
      categories,
    ]),
    [
      [5, null, 3, ["Condition", "Observation"]],
      [2, "Patient", 1, ["Patient"]],
      [1, "Patient", 1, []],
      [0, null, 1, []],
    ],
  );
});
