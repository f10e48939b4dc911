import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { parsePseudonym } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { blindRules } from "#records/fhir/blind-labels.ts";
import { createRebuilder, rebuildStep, type RebuildDeps } from "#records/blind/rebuild.ts";
import { insertEntries } from "#records/blind/row-store.ts";
import { beginBuild, newestBuild, readSetting } from "#records/blind/setting-store.ts";
import { widthsFor } from "#records/blind/widths.ts";
import { testWorld, type TestPerson, type TestWorld } from "#records/testing.ts";

const idOf = (n: number): string => `p${String(n).padStart(4, "0")}`;

const patient = (n: number, family = "García"): object => ({
  resourceType: "Patient",
  id: idOf(n),
  identifier: [{ system: "urn:example:mrn", value: `M-${n}` }],
  name: [{ family }],
});

const team = (n: number): object => ({
  resourceType: "CareTeam",
  id: `team-${n}`,
  status: "active",
  subject: { reference: `Patient/${idOf(n)}` },
  participant: [{ member: { reference: "Practitioner/doc" } }],
});

interface Register {
  readonly world: TestWorld;
  readonly deps: RebuildDeps;
  /** Begins a version as `rebuild` does, but leaves the building of it to the test. */
  readonly begin: () => Promise<boolean>;
  readonly clinician: TestPerson;
  readonly found: (query: string) => Promise<number>;
}

async function register(t: TestContext, patients: number): Promise<Register> {
  const world = await testWorld(t);
  const all = Array.from({ length: patients }, (_, n) => n);
  await world.bring([{ resourceType: "Practitioner", id: "doc" }]);
  for (let from = 0; from < patients; from += 50)
    await world.bring(all.slice(from, from + 50).flatMap((n) => [patient(n), team(n)]));
  const clinician = await world.person({ roles: ["clinician"], practitioner: "doc" });
  return {
    world,
    clinician,
    deps: { db: world.db, tenant: world.database.tenant, vault: world.vault },
    begin: () =>
      world.db.transaction((tx) =>
        beginBuild(tx, { dekVersion: 1, rules: blindRules, bits: widthsFor(0), total: patients }),
      ),
    found: async (query) => {
      const got = await world.askAs(clinician, "GET", `/fhir/Patient?${query}&_count=0`);
      assert.equal(got.status, 200, got.text);
      return (JSON.parse(got.text) as { total: number }).total;
    },
  };
}

async function steps(deps: RebuildDeps, most = 50): Promise<number> {
  for (let n = 0; n < most; n += 1) {
    const done = await rebuildStep(deps);
    assert.ok(done.ok, done.ok ? "" : done.problem.code);
    if (done.value === "ended") return n;
  }
  throw new Error("the build does not end");
}

async function versions(world: TestWorld): Promise<readonly number[]> {
  const rows = await world.db.query<{ version: number }>(
    "SELECT DISTINCT version FROM records.blind_index ORDER BY version",
  );
  return rows.map(({ version }) => version);
}

async function progress(deps: RebuildDeps): Promise<readonly [number, boolean]> {
  const state = await newestBuild(deps.db);
  assert.ok(state.ok && state.value !== null);
  return [state.value.done, state.value.ended];
}

suite("building the blind indexes anew", () => {
  test("an empty register is indexed from the first Patient on", async (t) => {
    const { world, found } = await register(t, 2);
    assert.deepEqual(await versions(world), [1]);
    assert.equal(await found("family=garcia"), 2);
  });

  test("searches go on while a version is built, and by the new one afterwards", async (t) => {
    const { deps, begin, found } = await register(t, 120);
    assert.equal(await begin(), true);
    assert.equal(await begin(), false, "one at a time");
    assert.equal((await rebuildStep(deps)).ok, true);
    assert.deepEqual(await progress(deps), [100, false]);
    assert.equal(await found("identifier=M-119"), 1);
    assert.equal(await found("family=garcia"), 120);
    await steps(deps);
    assert.deepEqual(await progress(deps), [120, true]);
    const { current, building } = await readSetting(deps.db);
    assert.deepEqual([current?.version, building], [2, null]);
    assert.equal(await found("identifier=M-119"), 1);
    assert.equal(await found("family=garcia"), 120);
  });

  test("tokens of two versions have nothing in common", async (t) => {
    const { world, deps, begin } = await register(t, 20);
    await begin();
    await rebuildStep(deps);
    const [shared] = await world.db.query<{ n: number }>(
      `SELECT count(*) AS n FROM records.blind_index a JOIN records.blind_index b
       USING (kind, token) WHERE a.version = 1 AND b.version = 2 AND kind = 1`,
    );
    assert.equal(shared?.n, 0);
    assert.deepEqual(await versions(world), [1, 2]);
  });

  test("a build that was cut off goes on where it was, and the old version is dropped", async (t) => {
    const { world, deps, begin, found } = await register(t, 130);
    await begin();
    // Its process dies after this batch.
    await rebuildStep(deps);
    const rebuilder = createRebuilder(deps, (error) => assert.fail(String(error)));
    t.after(() => rebuilder.close());
    rebuilder.kick();
    for (let n = 0; n < 200 && (await versions(world)).join() !== "2"; n += 1) await wait(20);
    assert.deepEqual(await versions(world), [2]);
    // Had it begun from the start, it would have looked at some twice.
    assert.deepEqual(await progress(deps), [130, true]);
    assert.equal(await found("family=garcia"), 130);
  });

  test("what is written while a version is built is in both", async (t) => {
    const { world, clinician, deps, begin, found } = await register(t, 110);
    await begin();
    await rebuildStep(deps);
    // One behind the place that the build has reached, one before it.
    for (const n of [5, 108]) {
      const body = JSON.stringify(patient(n, "Ortiz"));
      const put = await world.askAs(clinician, "PUT", `/fhir/Patient/${idOf(n)}`, { body });
      assert.equal(put.status, 200, put.text);
    }
    await world.bring([patient(900, "Ortiz"), team(900)]);
    assert.equal(await found("family=ortiz"), 3);
    await steps(deps);
    assert.equal(await found("family=ortiz"), 3);
    assert.equal(await found("family=garcia"), 108);
  });

  test("a Patient changed between being read and being indexed keeps what she was changed to", async (t) => {
    const { world, clinician, deps, begin, found } = await register(t, 3);
    await begin();
    const racing: RebuildDeps = {
      ...deps,
      vault: {
        ...deps.vault,
        keyAt: async (compartment, version) => {
          // Asked for before the batch's transaction begins, after its rows were read.
          const body = JSON.stringify(patient(1, "Ortiz"));
          const put = await world.askAs(clinician, "PUT", `/fhir/Patient/${idOf(1)}`, { body });
          assert.equal(put.status, 200, put.text);
          return deps.vault.keyAt(compartment, version);
        },
      },
    };
    await rebuildStep(racing);
    await steps(deps);
    assert.equal(await found("family=ortiz"), 1);
    assert.equal(await found("family=garcia"), 2);
  });

  test("without keys a build waits, tells why, and loses nothing", async (t) => {
    const { deps, begin } = await register(t, 3);
    await begin();
    const without: RebuildDeps = {
      ...deps,
      vault: { ...deps.vault, keyAt: async () => refuse("key-unavailable") },
    };
    const rebuilder = createRebuilder(without, (error) => assert.fail(String(error)));
    rebuilder.kick();
    for (let n = 0; n < 100 && rebuilder.obstacle() === null; n += 1) await wait(10);
    assert.equal(rebuilder.obstacle()?.code, "key-unavailable");
    await rebuilder.close();
    assert.deepEqual(await progress(deps), [0, false]);
    await steps(deps);
    assert.deepEqual(await progress(deps), [3, true]);
  });

  test("honey is indexed like any other record, and nobody is alarmed", async (t) => {
    const { world, deps, begin } = await register(t, 2);
    const laid = await world.operator.request({
      method: "POST",
      path: "/internal/keys/honey",
      headers: { "x-test-peer": "operator", "content-type": "application/x-ndjson" },
      body: JSON.stringify({ file: "honey", entry: 0, resource: patient(7) }),
    });
    assert.equal(laid.statusCode, 200, await laid.body.text());
    await begin();
    await steps(deps);
    for (const version of [1, 2]) {
      const rows = await world.db.query<{ n: number }>(
        "SELECT count(*) AS n FROM records.blind_index WHERE version = $1 GROUP BY compartment",
        [version],
      );
      const [first] = rows;
      assert.deepEqual(
        rows.map(({ n }) => n),
        [first?.n, first?.n, first?.n],
      );
    }
    const signals = (await world.entries()).filter(({ signal }) => signal !== null);
    assert.deepEqual(signals, []);
  });

  test("a shredded patient leaves no row in any version", async (t) => {
    const { world, deps, begin } = await register(t, 3);
    await begin();
    await rebuildStep(deps);
    const rows = await world.db.query<{ compartment: string }>(
      "SELECT DISTINCT compartment FROM records.blind_index ORDER BY compartment",
    );
    assert.equal(rows.length, 3);
    const [gone] = rows;
    await world.database.as("phylax_keeper", 1).query(
      `INSERT INTO keyring.shredded (compartment, at, reason, officer, second_officer, last_epoch)
       VALUES ($1, now(), 'moved away', 'a', 'b', 1)`,
      [gone?.compartment],
    );
    const left = await world.db.query<{ compartment: string }>(
      "SELECT DISTINCT compartment FROM records.blind_index ORDER BY compartment",
    );
    assert.deepEqual(left, rows.slice(1));
    // Whoever had opened her before the shredding indexes her in vain.
    const key = await deps.vault.keyAt("organisation", 1);
    const { current } = await readSetting(deps.db);
    const compartment = parsePseudonym(gone?.compartment ?? "");
    assert.ok(key.ok && current !== null && compartment !== null);
    const late = [{ compartment, labels: [{ index: "family", text: "gar" }] }] as const;
    await insertEntries(deps.db, current, key.value, late);
    assert.deepEqual(
      await world.db.query(
        "SELECT DISTINCT compartment FROM records.blind_index ORDER BY compartment",
      ),
      left,
    );
  });

  test("an operator begins a build and sees it end; it is in the log", async (t) => {
    const { world } = await register(t, 3);
    const ask = async (start: unknown): Promise<Record<string, unknown>> => {
      const answer = await world.operator.request({
        method: "POST",
        path: "/internal/blind-index/rebuild",
        headers: {
          "x-test-peer": "operator",
          "phylax-operator": "tester",
          "content-type": "application/json",
        },
        body: JSON.stringify({ start }),
      });
      return { status: answer.statusCode, ...((await answer.body.json()) as object) };
    };
    const begun = await ask(true);
    assert.deepEqual([begun["began"], begun["version"], begun["total"]], [true, 2, 3]);
    let now = begun;
    for (let n = 0; n < 100 && now["ended"] !== true; n += 1) {
      await wait(20);
      now = await ask(false);
    }
    assert.deepEqual(now, {
      status: 200,
      began: false,
      version: 2,
      done: 3,
      total: 3,
      ended: true,
      obstacle: null,
    });
    assert.equal((await ask("yes"))["status"], 400);
    const logged = (await world.entries()).filter(({ action }) => action === "key-reindex");
    assert.deepEqual(
      logged.map(({ actor }) => actor),
      ["operator:tester"],
    );
  });
});
