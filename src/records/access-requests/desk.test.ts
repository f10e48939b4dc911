import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { AccessRequestLine, AccessRequestPage } from "#core/wire.ts";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

const path = "/api/records/access-requests";

async function clinic(t: TestContext) {
  const world = await testWorld(t);
  await world.bring([
    {
      resourceType: "Patient",
      id: "ana",
      name: [{ given: ["Ana"], family: "Ruiz" }],
      birthDate: "1980-02-03",
    },
    { resourceType: "Patient", id: "ben", name: [{ family: "Blum" }] },
  ]);
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  const ben = await world.person({ roles: ["patient"], patients: ["ben"] });
  const officer = await world.person({ roles: ["privacy-officer"] });
  return { world, ana, ben, officer };
}

const post = (world: TestWorld, who: TestPerson, below: string, body: object): Promise<Got> =>
  world.askAs(who, "POST", path + below, { body: JSON.stringify(body) });

const asking = {
  patient: "ana",
  wants: "My lab tests of last year",
  form: "paper",
  sendTo: "12 Elm Street",
};

function lineIn(got: Got, status: number): AccessRequestLine {
  assert.equal(got.status, status, got.text);
  return JSON.parse(got.text) as AccessRequestLine;
}

function linesIn(got: Got): readonly AccessRequestLine[] {
  assert.equal(got.status, 200, got.text);
  return (JSON.parse(got.text) as AccessRequestPage).requests;
}

test("a request goes from the person to the officer and the answer back", async (t) => {
  const { world, ana, officer } = await clinic(t);
  const made = lineIn(await post(world, ana, "", asking), 201);
  assert.deepEqual([made.version, made.isOpen, made.request?.now.state], [1, true, "open"]);

  const [owed] = linesIn(await world.askAs(officer, "GET", path));
  assert.ok(owed !== undefined);
  assert.equal(owed.id, made.id);
  assert.deepEqual(
    [owed.request?.name, owed.request?.birthDate, owed.request?.wants, owed.request?.sendTo],
    ["Ana Ruiz", "1980-02-03", asking.wants, asking.sendTo],
  );
  assert.deepEqual([owed.request?.asked.role, owed.request?.asked.byYou], ["patient", false]);

  const reason = "The paper charts are stored elsewhere.";
  const extended = lineIn(
    await post(world, officer, `/${made.id}`, { version: 1, act: "extend", reason }),
    200,
  );
  assert.ok(extended.dueOn > made.dueOn);
  lineIn(
    await post(world, officer, `/${made.id}`, { version: 2, act: "fulfil", how: "Mail" }),
    200,
  );

  const [answered] = linesIn(await world.askAs(ana, "GET", `${path}?patient=ana`));
  assert.ok(answered?.request?.now.state === "fulfilled");
  assert.equal(answered.request.now.how, "Mail");
  assert.deepEqual(
    [answered.request.extension?.reason, answered.request.extension?.role],
    [reason, "privacy-officer"],
  );
});

test("a denial names its grounds with their clause, and whether another may review it", async (t) => {
  const { world, ana, officer } = await clinic(t);
  const { id } = lineIn(await post(world, ana, "", asking), 201);
  const deny = { version: 1, act: "deny", reason: "See below", grounds: ["endangers"] };
  const denied = lineIn(await post(world, officer, `/${id}`, deny), 200);
  assert.ok(denied.request?.now.state === "denied");
  assert.deepEqual(denied.request.now.grounds, [
    { ground: "endangers", cite: "45 CFR 164.524(a)(3)(i)", reviewable: true },
  ]);
});

test("every step is in the log, with who did it to whose request", async (t) => {
  const { world, ana, officer } = await clinic(t);
  const { id } = lineIn(await post(world, ana, "", asking), 201);
  await world.askAs(officer, "GET", path);
  await post(world, officer, `/${id}`, { version: 1, act: "fulfil", how: "Mail" });
  const steps = (await world.entries()).filter(({ action }) => action === "access-request");
  assert.deepEqual(
    steps.map(({ role, resourceVersion, decision }) => [role, resourceVersion, decision]),
    [
      ["patient", 1, "permit"],
      ["privacy-officer", 1, "permit"],
      ["privacy-officer", 2, "permit"],
    ],
  );
  assert.equal(new Set(steps.map(({ patient }) => patient)).size, 1);
  assert.doesNotMatch(JSON.stringify(steps), /Ruiz|Elm|lab tests/);
});

test("what is asked and answered lies sealed in the database", async (t) => {
  const { world, ana } = await clinic(t);
  await post(world, ana, "", asking);
  const rows = await world.db.query<{ row: string; sealed: Buffer }>(
    "SELECT r::text AS row, sealed FROM records.access_request r",
  );
  assert.equal(rows.length, 1);
  for (const { row, sealed } of rows)
    assert.doesNotMatch(row + sealed.toString("latin1"), /Ruiz|Elm|lab tests|1980-02-03|paper/);
  await assert.rejects(world.db.query("UPDATE records.access_request SET is_open = false"));
  await assert.rejects(world.db.query("DELETE FROM records.access_request"));
});

test("a request moved to another patient's does not open", async (t) => {
  const { world, ana, ben } = await clinic(t);
  await post(world, ana, "", asking);
  await post(world, ben, "", { ...asking, patient: "ben" });
  // The role may add, and a row of a later version is what is read.
  await world.db.query(
    `INSERT INTO records.access_request
       (id, version, compartment, asked_on, due_on, is_open, changed_at, dek_version, sealed)
     SELECT a.id, 2, a.compartment, a.asked_on, a.due_on, true, a.changed_at, a.dek_version, b.sealed
     FROM records.access_request a JOIN records.access_request b ON a.id <> b.id`,
  );
  const got = await world.askAs(ana, "GET", `${path}?patient=ana`);
  assert.equal(got.status, 500);
  assert.match(got.text, /record-damaged/);
});

test("nobody sees or touches another's request, and it looks as if there were none", async (t) => {
  const { world, ana, ben } = await clinic(t);
  const { id } = lineIn(await post(world, ana, "", asking), 201);
  const withdraw = { version: 1, act: "withdraw" };
  assert.equal((await post(world, ben, "", asking)).status, 404);
  assert.equal((await post(world, ben, `/${id}`, withdraw)).status, 404);
  assert.equal((await world.askAs(ben, "GET", `${path}?patient=ana`)).status, 404);
  assert.equal((await world.askAs(ben, "GET", path)).status, 404, "the register is no patient's");
  assert.equal((await post(world, ana, "/none", withdraw)).status, 404);
  lineIn(await post(world, ana, `/${id}`, withdraw), 200);
});

test("a patient decides nothing, an officer withdraws nothing and keeps no register of herself", async (t) => {
  const { world, ana, officer } = await clinic(t);
  const { id } = lineIn(await post(world, ana, "", asking), 201);
  const fulfil = { version: 1, act: "fulfil", how: "Mail" };
  assert.equal((await post(world, ana, `/${id}`, fulfil)).status, 404);
  const withdraw = { version: 1, act: "withdraw" };
  assert.equal((await post(world, officer, `/${id}`, withdraw)).status, 403);
  const herself = await world.person({
    roles: ["privacy-officer", "patient"],
    patients: ["ana"],
  });
  assert.deepEqual(linesIn(await world.askAs(herself, "GET", path)), []);
  assert.equal((await post(world, herself, `/${id}`, fulfil)).status, 403);
});

test("of two officers who decide at once one is told that the request has changed", async (t) => {
  const { world, ana, officer } = await clinic(t);
  const { id } = lineIn(await post(world, ana, "", asking), 201);
  const answers = await Promise.all(
    ["Mail", "By hand", "On a disk"].map((how) =>
      post(world, officer, `/${id}`, { version: 1, act: "fulfil", how }),
    ),
  );
  const statuses = answers.map(({ status }) => status).sort((a, b) => a - b);
  assert.deepEqual(statuses, [200, 412, 412]);
});

test("open requests of one patient are bounded", async (t) => {
  const { world, ana } = await clinic(t);
  for (let n = 0; n < 10; n += 1) lineIn(await post(world, ana, "", asking), 201);
  assert.equal((await post(world, ana, "", asking)).status, 422);
});
