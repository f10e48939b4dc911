import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { auditEntry } from "#core/audit-entry.ts";
import { laterBy } from "#core/clock.ts";
import { parseAccountId, parseResourceId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { boundsFor } from "#records/brake/bounds.ts";
import { createBrake, type Brake } from "#records/brake/brake.ts";
import { writeUsual } from "#records/brake/shown-store.ts";
import { createUsual, usualLimits } from "#records/brake/usual.ts";
import type { Caller } from "#records/caller.ts";
import { touch } from "#records/visit.ts";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

// The least share there is: 15 charts of a clinician, 12 of them on one device.
const brakeShare = 0.1;
const { person: bounds, device: ofDevice } = boundsFor({
  roles: ["clinician"],
  share: brakeShare,
  usual: null,
});
const most = bounds.charts.stop;
const patients = Array.from({ length: most + 5 }, (_, n) => `p${n}`);

async function clinic(t: TestContext) {
  const world = await testWorld(t, { brakeShare });
  await world.bring([
    ...patients.map((id) => ({ resourceType: "Patient", id, name: [{ family: "Poe" }] })),
    ...patients.map((id) => ({
      resourceType: "CareTeam",
      id: `of-${id}`,
      status: "active",
      subject: { reference: `Patient/${id}` },
      participant: [{ member: { reference: "Practitioner/dora" } }],
    })),
  ]);
  return world;
}

const doctor = (world: TestWorld): Promise<TestPerson> =>
  world.person({ roles: ["clinician"], practitioner: "dora" });

const look = (world: TestWorld, who: TestPerson, id: string): Promise<Got> =>
  world.askAs(who, "GET", `/fhir/Patient/${id}`);

async function statuses(
  world: TestWorld,
  who: TestPerson,
  ids: readonly string[],
): Promise<readonly number[]> {
  const answers = await Promise.all(ids.map((id) => look(world, who, id)));
  return answers.map(({ status }) => status);
}

const onFault = (error: unknown): never => assert.fail(String(error));

const oks = (all: readonly number[]): number => all.filter((status) => status === 200).length;

test("beyond the bound there are no further charts, and those seen stay open", async (t) => {
  const world = await clinic(t);
  const dora = await doctor(world);
  const all = await statuses(world, dora, patients);
  assert.equal(oks(all), ofDevice.charts.stop);
  assert.ok(all.every((status) => status === 200 || status === 429));
  const stopped = await look(world, dora, patients[all.indexOf(429)] ?? "");
  assert.equal(stopped.status, 429);
  assert.match(stopped.text, /"code":"rate-limited"/);
  assert.ok(Number(stopped.headers["retry-after"]) > 3_500);
  assert.equal((await look(world, dora, patients[all.indexOf(200)] ?? "")).status, 200);
});

test("a stop is in the log as a denial that shows nothing, and an alarm once", async (t) => {
  const world = await clinic(t);
  const dora = await doctor(world);
  await statuses(world, dora, patients);
  const stops = (await world.entries()).filter(({ reasons }) => reasons[0] === "rate-limited");
  assert.equal(stops.length, patients.length - ofDevice.charts.stop);
  assert.deepEqual(
    stops.flatMap(({ signal }) => signal ?? []),
    ["volume-brake"],
  );
  for (const { decision, count, reasons, actor } of stops)
    assert.deepEqual(
      [decision, count, reasons[1], actor],
      ["deny", 0, "brake-device-charts", dora.account],
    );
});

test("one person with two devices is not shown twice as much", async (t) => {
  const world = await clinic(t);
  const dora = await doctor(world);
  const { account } = dora;
  const tablet = await world.person({ roles: ["clinician"], practitioner: "dora", account });
  const onFirst = await statuses(world, dora, patients.slice(0, ofDevice.charts.stop));
  assert.equal(oks(onFirst), ofDevice.charts.stop);
  const onSecond = await statuses(world, tablet, patients.slice(ofDevice.charts.stop));
  assert.equal(oks(onSecond), most - ofDevice.charts.stop);
  const entries = await world.entries();
  assert.ok(entries.some(({ reasons }) => reasons.includes("brake-person-charts")));
});

test("a search and a list of charts at once are held to the same bound", async (t) => {
  const world = await clinic(t);
  const dora = await doctor(world);
  const batch = {
    resourceType: "Bundle",
    type: "batch",
    entry: patients.map((id) => ({ request: { method: "GET", url: `Patient/${id}` } })),
  };
  const asked = await world.askAs(dora, "POST", "/fhir", { body: JSON.stringify(batch) });
  assert.equal(asked.status, 429, asked.text);
  const teams = await world.askAs(dora, "GET", "/fhir/CareTeam?status=active");
  assert.equal(teams.status, 429, teams.text);
  // Names alone, as the list of her patients shows them, are many on any day.
  assert.equal((await world.askAs(dora, "GET", "/fhir/Patient")).status, 200);
});

/** The brake of another process, asked for one chart after the other; how many it lets go. */
async function letGo(
  world: TestWorld,
  who: TestPerson,
  { brake, ids }: { readonly brake: Brake; readonly ids: readonly string[] },
): Promise<number> {
  const { account, device } = who;
  const live = { account, device, roles: ["clinician"], patients: new Map() };
  const caller = { live } as unknown as Caller;
  let count = 0;
  for (const id of ids) {
    const known = parseResourceId(id);
    assert.ok(known !== null);
    const compartment = world.vault.pseudonymOf(known);
    const touched = touch({ action: "read", type: "Observation", compartment, count: 1 });
    if ((await brake.hold(caller, [touched])) === null) count += 1;
  }
  return count;
}

function otherBrake(
  world: TestWorld,
  t: TestContext,
  { logOrigin, share = brakeShare }: { readonly logOrigin: string; readonly share?: number },
): Brake {
  const { db, clock } = world;
  const usual = createUsual({ db, clock, onFault });
  const brake = createBrake({
    db,
    clock,
    usual,
    logOrigin,
    share,
    sleep: async () => {},
  });
  t.after(() => brake.close());
  return brake;
}

test("a process that starts anew knows from the log what was shown before", async (t) => {
  const world = await clinic(t);
  const dora = await doctor(world);
  const seen = patients.slice(0, ofDevice.charts.stop);
  assert.equal(oks(await statuses(world, dora, seen)), seen.length);
  const brake = otherBrake(world, t, { logOrigin: `phylax/${world.database.tenant}/records` });
  const further = patients.slice(ofDevice.charts.stop);
  assert.equal(await letGo(world, dora, { brake, ids: further }), 0);
  assert.equal(await letGo(world, dora, { brake, ids: seen }), seen.length);
});

test("two processes at once count what the other shows", async (t) => {
  const world = await clinic(t);
  const dora = await doctor(world);
  const brake = otherBrake(world, t, { logOrigin: "another log" });
  await brake.catchUp();
  // It knows her from here on, so that it does not read her hour from the log again.
  assert.equal(await letGo(world, dora, { brake, ids: patients.slice(0, 1) }), 1);
  const seen = patients.slice(0, ofDevice.charts.stop);
  assert.equal(oks(await statuses(world, dora, seen)), seen.length);
  await brake.catchUp();
  assert.equal(await letGo(world, dora, { brake, ids: patients.slice(-1) }), 0);
});

test("who is used to few charts is slowed and stopped long before the fixed bound", async (t) => {
  const world = await testWorld(t);
  const { db, clock } = world;
  const dora = await doctor(world);
  const account = parseAccountId(dora.account);
  assert.ok(account !== null);
  const hourMs = 60 * 60_000;
  const past = Array.from({ length: usualLimits.hours }, (_, hour) =>
    Array.from({ length: 12 }, (_each, n) =>
      auditEntry({
        time: laterBy(clock.now(), -(hour + 2) * hourMs),
        action: "read",
        decision: "permit",
        actor: dora.account,
        patient: `00000000-0000-4000-8000-0000000000${n + 10}`,
        resourceType: "Observation",
        count: 1,
      }),
    ),
  ).flat();
  assert.ok((await world.log.submit({ entries: () => past })).ok);
  const usual = createUsual({ db, clock, onFault });
  assert.equal(await usual.of(account, "clinician"), null, "nothing is learned yet");
  await usual.settled();
  const three = 3 * 12;
  assert.equal(await usual.of(account, "clinician"), three);
  const brake = otherBrake(world, t, { logOrigin: "another log", share: 1 });
  const many = Array.from({ length: 150 }, (_, n) => `q${n}`);
  const stop = boundsFor({ roles: ["clinician"], share: 1, usual: three }).device.charts.stop;
  assert.equal(await letGo(world, dora, { brake, ids: many }), stop);
  assert.ok(
    stop < boundsFor({ roles: ["clinician"], share: 1, usual: null }).device.charts.slow * 2,
  );
});

test("of whom nothing is known yet, it is what her role does", async (t) => {
  const world = await testWorld(t);
  const { db, clock } = world;
  const at = clock.now();
  for (const charts of [30, 40, 50, 60, 70]) {
    const account = parseAccountId(systemRandom.uuid());
    assert.ok(account !== null);
    await writeUsual(db, { account, role: "clinician", charts, at });
  }
  const newcomer = parseAccountId(systemRandom.uuid());
  assert.ok(newcomer !== null);
  const usual = createUsual({ db, clock, onFault });
  assert.equal(await usual.of(newcomer, "clinician"), 70);
  assert.equal(await usual.of(newcomer, "service"), null);
  await usual.settled();
});
