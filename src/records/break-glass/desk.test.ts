import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { EmergencyLine, EmergencyPage } from "#core/wire.ts";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

const path = "/api/records/break-glass";
const reason = "Brought in unconscious after a fall";

const patient = (id: string, family: string) => ({
  resourceType: "Patient",
  id,
  name: [{ given: ["Ana"], family }],
  birthDate: "1980-02-03",
});

const observation = (id: string, of: string, security?: string) => ({
  resourceType: "Observation",
  id,
  status: "final",
  ...(security === undefined
    ? {}
    : {
        meta: {
          security: [
            { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: security },
          ],
        },
      }),
  code: { text: "Blood pressure" },
  subject: { reference: `Patient/${of}` },
});

async function clinic(t: TestContext, changes: Parameters<typeof testWorld>[1] = {}) {
  const world = await testWorld(t, changes);
  await world.bring([
    { resourceType: "Practitioner", id: "dora", name: [{ text: "Dr. Dora Dale" }] },
    patient("ana", "Ruiz"),
    patient("ben", "Blum"),
    patient("cleo", "Carr"),
    observation("ana-1", "ana"),
    observation("ana-notes", "ana", "PSYTHPN"),
    observation("ben-1", "ben"),
    {
      resourceType: "CareTeam",
      id: "of-cleo",
      status: "active",
      subject: { reference: "Patient/cleo" },
      participant: [{ member: { reference: "Practitioner/dora" } }],
    },
  ]);
  const dora = await world.person({ roles: ["clinician"], practitioner: "dora" });
  const officer = await world.person({ roles: ["privacy-officer"] });
  return { world, dora, officer };
}

const post = (world: TestWorld, who: TestPerson, below: string, body: object): Promise<Got> =>
  world.askAs(who, "POST", path + below, { body: JSON.stringify(body) });

const see = async (world: TestWorld, who: TestPerson, what: string): Promise<number> =>
  (await world.askAs(who, "GET", `/fhir/${what}`)).status;

function lineIn(got: Got, status = 201): EmergencyLine {
  assert.equal(got.status, status, got.text);
  return JSON.parse(got.text) as EmergencyLine;
}

function linesIn(got: Got): readonly EmergencyLine[] {
  assert.equal(got.status, 200, got.text);
  return (JSON.parse(got.text) as EmergencyPage).openings;
}

const open = async (world: TestWorld, who: TestPerson, of = "ana"): Promise<EmergencyLine> =>
  lineIn(await post(world, who, "", { patient: of, reason }));

test("a clinician outside the care team opens that one chart, and no other", async (t) => {
  const { world, dora } = await clinic(t);
  assert.equal(await see(world, dora, "Observation/ana-1"), 403);
  const line = await open(world, dora);
  assert.equal(Date.parse(line.endsAt) - Date.parse(line.openedAt), 4 * 60 * 60_000);
  assert.equal(await see(world, dora, "Observation/ana-1"), 200);
  assert.equal(await see(world, dora, "Patient/ana"), 200);
  assert.equal(await see(world, dora, "Observation?patient=ana"), 200);
  assert.equal(await see(world, dora, "Observation/ben-1"), 403);
});

test("psychotherapy notes stay shut, in a read and in a search", async (t) => {
  const { world, dora } = await clinic(t);
  await open(world, dora);
  assert.equal(await see(world, dora, "Observation/ana-notes"), 403);
  const found = await world.askAs(dora, "GET", "/fhir/Observation?patient=ana");
  assert.match(found.text, /ana-1/);
  assert.doesNotMatch(found.text, /ana-notes/);
});

test("an open chart is for looking: she writes nothing, least of all herself into the care team", async (t) => {
  const { world, dora } = await clinic(t);
  await open(world, dora);
  const team = {
    resourceType: "CareTeam",
    status: "active",
    subject: { reference: "Patient/ana" },
    participant: [{ member: { reference: "Practitioner/dora" } }],
  };
  const made = await world.askAs(dora, "POST", "/fhir/CareTeam", { body: JSON.stringify(team) });
  assert.equal(made.status, 403);
  const changed = await world.askAs(dora, "PUT", "/fhir/Observation/ana-1", {
    body: JSON.stringify(observation("ana-1", "ana")),
  });
  assert.equal(changed.status, 403);
  assert.equal((await world.askAs(dora, "DELETE", "/fhir/Observation/ana-1")).status, 403);
});

test("the log says of each reading that it stands on the opening, and gives the alarm", async (t) => {
  const { world, dora } = await clinic(t);
  const { id } = await open(world, dora);
  await see(world, dora, "Observation/ana-1");
  await see(world, dora, "Observation?patient=ana");
  const entries = (await world.entries()).filter(({ actor }) => actor === dora.account);
  const opening = entries.find(({ action }) => action === "break-glass");
  assert.deepEqual(
    [opening?.signal, opening?.purpose, opening?.resourceId, opening?.decision],
    ["break-glass", "BTG", id, "permit"],
  );
  const looks = entries.filter(({ action }) => action === "read" || action === "search");
  assert.equal(looks.length, 2);
  for (const look of looks) {
    assert.equal(look.purpose, "BTG");
    assert.deepEqual(look.reasons, ["break-glass-look", `opening-${id}`]);
    assert.equal(look.patient, opening?.patient);
  }
  assert.doesNotMatch(JSON.stringify(entries), /Ruiz|unconscious/);
});

test("it ends when its time is over", async (t) => {
  const { world, dora } = await clinic(t, { emergency: { lastsMs: 20 * 60_000, most: 6 } });
  await open(world, dora);
  assert.equal(await see(world, dora, "Patient/ana"), 200);
  // Within the lifetime of a token and of a session, which end it, too.
  world.clock.shiftMs += 20 * 60_000;
  assert.equal(await see(world, dora, "Patient/ana"), 403);
});

test("who opened it closes it at once, and nobody else does", async (t) => {
  const { world, dora, officer } = await clinic(t);
  const other = await world.person({ roles: ["clinician"], practitioner: null });
  const { id } = await open(world, dora);
  const close = { version: 1, act: "close" };
  assert.equal((await post(world, other, `/${id}`, close)).status, 403);
  assert.equal((await post(world, officer, `/${id}`, close)).status, 403);
  assert.equal(await see(world, dora, "Patient/ana"), 200);
  lineIn(await post(world, dora, `/${id}`, close), 200);
  assert.equal(await see(world, dora, "Patient/ana"), 403);
});

test("the officer sees who opened whose chart and why, and records what she finds", async (t) => {
  const { world, dora, officer } = await clinic(t);
  await open(world, dora);
  const [waiting] = linesIn(await world.askAs(officer, "GET", path));
  assert.deepEqual(
    [waiting?.isReviewed, waiting?.isOpen, waiting?.words?.who, waiting?.words?.reason],
    [false, true, "Dr. Dora Dale", reason],
  );
  assert.deepEqual([waiting?.words?.name, waiting?.words?.count], ["Ana Ruiz", 1]);
  const review = { version: 1, act: "review", finding: "justified", words: "ED sheet of that day" };
  lineIn(await post(world, officer, `/${waiting?.id}`, review), 200);
  assert.equal(
    (await post(world, officer, `/${waiting?.id}`, { ...review, version: 2 })).status,
    400,
  );
  const [reviewed] = linesIn(await world.askAs(officer, "GET", path));
  assert.deepEqual(
    [reviewed?.isReviewed, reviewed?.words?.review?.words, reviewed?.words?.review?.byYou],
    [true, "ED sheet of that day", true],
  );
  assert.equal(await see(world, dora, "Patient/ana"), 200, "a review alone ends nothing");
});

test("what is found not to be justified ends at once and raises an alarm", async (t) => {
  const { world, dora, officer } = await clinic(t);
  const { id } = await open(world, dora);
  const review = { version: 1, act: "review", finding: "not-justified", words: "No such visit" };
  lineIn(await post(world, officer, `/${id}`, review), 200);
  assert.equal(await see(world, dora, "Patient/ana"), 403);
  const signals = (await world.entries()).flatMap(({ signal }) => signal ?? []);
  assert.deepEqual(signals, ["break-glass", "break-glass-not-justified"]);
});

test("nobody reviews what she opened herself, and a clinician sees no queue", async (t) => {
  const { world, dora } = await clinic(t);
  const { id } = await open(world, dora);
  const review = { version: 1, act: "review", finding: "justified", words: "It was needed" };
  assert.equal((await post(world, dora, `/${id}`, review)).status, 403);
  assert.equal((await world.askAs(dora, "GET", path)).status, 403);
});

test("of two officers who decide at once one is told that it has changed", async (t) => {
  const { world, dora, officer } = await clinic(t);
  const { id } = await open(world, dora);
  const answers = await Promise.all(
    ["justified", "not-justified", "to-follow-up"].map((finding) =>
      post(world, officer, `/${id}`, { version: 1, act: "review", finding, words: "Looked up" }),
    ),
  );
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [200, 412, 412],
  );
});

test("opened again while it lasts it is the same opening, not another", async (t) => {
  const { world, dora } = await clinic(t);
  const first = await open(world, dora);
  const second = lineIn(await post(world, dora, "", { patient: "ana", reason }), 200);
  assert.deepEqual([second.id, second.endsAt], [first.id, first.endsAt]);
  const own = linesIn(await world.askAs(dora, "GET", `${path}?patient=ana`));
  assert.deepEqual(
    own.map(({ id, words }) => [id, words?.byYou]),
    [[first.id, true]],
  );
  assert.deepEqual(linesIn(await world.askAs(dora, "GET", `${path}?patient=ben`)), []);
});

test("repeated by one person it raises an alarm of its own, then is braked, all at once or not", async (t) => {
  const { world, dora } = await clinic(t, { emergency: { lastsMs: 60 * 60_000, most: 3 } });
  const ids = ["p1", "p2", "p3", "p4", "p5"];
  await world.bring(ids.map((id) => patient(id, "Poe")));
  const answers = await Promise.all(
    ids.map((id) => post(world, dora, "", { patient: id, reason })),
  );
  const statuses = answers.map(({ status }) => status).sort((a, b) => a - b);
  assert.deepEqual(statuses, [201, 201, 201, 429, 429]);
  const braked = answers.find(({ status }) => status === 429);
  const wait = Number(braked?.headers["retry-after"]);
  assert.ok(wait > 86_000 && wait <= 86_400, String(wait));
  const signals = (await world.entries()).flatMap(({ signal }) => signal ?? []);
  assert.deepEqual(signals.sort(), [
    "break-glass",
    "break-glass",
    "break-glass-braked",
    "break-glass-braked",
    "break-glass-repeated",
  ]);
});

test("nobody but a clinician opens a chart, with no device without a key", async (t) => {
  const { world, officer } = await clinic(t);
  const asked = { patient: "ana", reason };
  assert.equal((await post(world, officer, "", asked)).status, 403);
  const nurseApp = await world.person({ roles: ["clinician"], scope: "user/Observation.rs" });
  assert.equal((await post(world, nurseApp, "", asked)).status, 403);
  const ana = await world.person({ roles: ["patient"], patients: ["ben"] });
  assert.equal((await post(world, ana, "", asked)).status, 404);
});

test("a chart that is open to her anyway, or is nobody's, is not opened", async (t) => {
  const { world, dora } = await clinic(t);
  assert.equal((await post(world, dora, "", { patient: "cleo", reason })).status, 400);
  assert.equal((await post(world, dora, "", { patient: "nobody", reason })).status, 404);
  assert.equal((await post(world, dora, "", { patient: "ana", reason: "because" })).status, 400);
  assert.deepEqual(await world.db.query("SELECT id FROM records.break_glass"), []);
});

test("who has left the care team is out at once, and what she opened before is no way back in", async (t) => {
  const { world, dora } = await clinic(t);
  await open(world, dora);
  assert.equal(await see(world, dora, "Patient/cleo"), 200);
  await world.bring([
    {
      resourceType: "CareTeam",
      id: "of-cleo",
      status: "inactive",
      subject: { reference: "Patient/cleo" },
      participant: [{ member: { reference: "Practitioner/dora" } }],
    },
  ]);
  assert.equal(await see(world, dora, "Patient/cleo"), 403);
  assert.equal(await see(world, dora, "Observation?patient=cleo"), 403);
});

test("what a Consent forbids stays forbidden, unless it excepts emergencies", async (t) => {
  const { world, dora } = await clinic(t);
  const consent = (id: string, of: string, exceptions: readonly object[]) => ({
    resourceType: "Consent",
    id,
    status: "active",
    scope: {
      coding: [
        { system: "http://terminology.hl7.org/CodeSystem/consentscope", code: "patient-privacy" },
      ],
    },
    category: [{ text: "privacy" }],
    patient: { reference: `Patient/${of}` },
    policyRule: { text: "our form" },
    provision: { type: "deny", ...(exceptions.length === 0 ? {} : { provision: exceptions }) },
  });
  const emergencies = {
    type: "permit",
    purpose: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActReason", code: "ETREAT" }],
  };
  const brought = await world.bring([
    consent("c1", "ana", []),
    consent("c2", "ben", [emergencies]),
  ]);
  assert.deepEqual(
    brought.map(({ outcome }) => outcome),
    ["created", "created"],
  );
  await open(world, dora, "ana");
  await open(world, dora, "ben");
  assert.equal(await see(world, dora, "Observation/ana-1"), 403);
  assert.equal(await see(world, dora, "Observation/ben-1"), 200);
});

test("reason and finding lie sealed in the database, and nothing there is ever changed", async (t) => {
  const { world, dora } = await clinic(t);
  await open(world, dora);
  const rows = await world.db.query<{ row: string; sealed: Buffer }>(
    "SELECT b::text AS row, sealed FROM records.break_glass b",
  );
  assert.equal(rows.length, 1);
  for (const { row, sealed } of rows)
    assert.doesNotMatch(row + sealed.toString("latin1"), /Ruiz|unconscious|1980/);
  await assert.rejects(world.db.query("UPDATE records.break_glass SET reviewed = true"));
  await assert.rejects(world.db.query("DELETE FROM records.break_glass"));
});
