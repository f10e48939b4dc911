import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { systemClock } from "#core/clock.ts";
import type { Pseudonym } from "#core/ids.ts";
import type { WrappedKey } from "#core/key-wire.ts";
import { ok } from "#core/result.ts";
import { findShredding } from "#vault/shred-store.ts";
import { insertKeys } from "#vault/store.ts";
import { patientOf } from "#assembly/key-life/patient.ts";
import { shred, type ShredOrder } from "#assembly/key-life/shred.ts";
import { keysStatus } from "#assembly/key-life/status.ts";
import {
  codeOf,
  cutAt,
  makeIdentityKey,
  makeKeys,
  openedKeys,
  somePatient,
  storedKeys,
  testLife,
  valueOf,
  type TestLife,
} from "#assembly/key-life/testing.ts";

interface Town {
  readonly test: TestLife;
  readonly ana: Pseudonym;
  readonly order: ShredOrder;
  /** The bytes of everyone's key but hers. */
  readonly survivors: ReadonlyMap<string, string>;
  /** All rows as they were, as a copy of the database has them. */
  readonly copy: readonly WrappedKey[];
}

async function town(t: TestContext): Promise<Town> {
  const life = await testLife(t);
  const ana = somePatient();
  const made = await makeKeys(life, ["organisation", ana, somePatient(), somePatient()]);
  await makeIdentityKey(life);
  const copy = (await storedKeys(life)).map(({ key }) => key);
  const survivors = new Map([...made].filter(([compartment]) => compartment !== ana));
  const order = {
    patient: ana,
    reason: "erasure ordered",
    officer: "a.first",
    secondOfficer: "b.second",
  };
  return { test: life, ana, order, survivors, copy };
}

async function assertShredded({ test: life, ana, survivors, copy }: Town): Promise<void> {
  assert.deepEqual(await openedKeys(life), survivors);
  const ofTheCopy = await openedKeys(life, copy);
  assert.ok([...ofTheCopy.values()].every((key) => key === null));
  const known = await findShredding(life.life.db, ana);
  assert.ok(known !== null && known.finishedAt !== null);
  assert.equal(readdirSync(life.backups).length, 1);
}

test("a shredded patient's key is gone, from a copy of the rows too, and everyone else's opens", async (t) => {
  const all = await town(t);
  const shredded = valueOf(await all.test.work((work) => shred(work, all.order)));
  await assertShredded(all);
  assert.deepEqual(
    [shredded.already, shredded.keysDestroyed, shredded.rewrapped, shredded.kekEpoch],
    [false, 1, all.survivors.size + 1, 2],
  );
  assert.deepEqual(all.test.evicted, [all.ana]);
});

test("the intent is in the log before a key is deleted, with both officers' names", async (t) => {
  const { test: life, order, ana } = await town(t);
  const rows = async (): Promise<number> => (await storedKeys(life)).length;
  const seen: (readonly [string, number])[] = [];
  const desk: typeof life.life.desk = {
    ...life.life.desk,
    log: async ({ action, patient, reasons }) => {
      assert.deepEqual([action, patient], ["key-shred", ana]);
      seen.push([reasons.join(" "), await rows()]);
      return ok(null);
    },
  };
  valueOf(await life.work((work) => shred(work, order), { desk }));
  assert.deepEqual(seen, [
    ["begun second-officer:b.second", 4],
    ["done second-officer:b.second", 3],
  ]);
});

for (const when of ["before", "after"] as const) {
  test(`a shredding cut off ${when} any of its calls is finished by the same command`, async (t) => {
    for (let nth = 1; ; nth += 1) {
      const all = await town(t);
      const cut = cutAt(all.test.life, nth, when);
      const first = await all.test.work((work) => shred(work, all.order), cut.life);
      if (!cut.wasCut()) {
        assert.ok(nth > 10, "a shredding makes that many calls");
        return;
      }
      assert.equal(codeOf(first), "upstream-unavailable", `cut at ${nth}`);
      const second = valueOf(await all.test.work((work) => shred(work, all.order)));
      assert.equal(second.kekEpoch, 2, `cut at ${nth}`);
      await assertShredded(all);
    }
  });
}

test("shredding twice does nothing the second time", async (t) => {
  const all = await town(t);
  valueOf(await all.test.work((work) => shred(work, all.order)));
  const events = all.test.events.length;
  const again = valueOf(await all.test.work((work) => shred(work, all.order)));
  assert.deepEqual([again.already, again.keysDestroyed], [true, 0]);
  assert.equal(all.test.events.length, events);
  await assertShredded(all);
});

test("a second patient is shredded with an epoch more", async (t) => {
  const all = await town(t);
  valueOf(await all.test.work((work) => shred(work, all.order)));
  const bob = [...all.survivors.keys()].find((compartment) => compartment !== "organisation");
  const order = { ...all.order, patient: valueOf(await patientOf(all.test.life, bob ?? "")) };
  assert.equal(valueOf(await all.test.work((work) => shred(work, order))).kekEpoch, 3);
  assert.equal((await openedKeys(all.test)).size, 2);
});

test("a patient who has no key is not found, and no epoch is started for her", async (t) => {
  const all = await town(t);
  const order = { ...all.order, patient: somePatient() };
  assert.equal(codeOf(await all.test.work((work) => shred(work, order))), "not-found");
  assert.equal(valueOf(await all.test.life.keys.status()).kekEpoch, 1);
  assert.deepEqual(all.test.events, []);
});

test("no new key is stored for a shredded patient", async (t) => {
  const all = await town(t);
  valueOf(await all.test.work((work) => shred(work, all.order)));
  const asked = [{ compartment: all.ana, dekVersion: 1 }];
  const [fresh] = valueOf(await all.test.service.generate(all.test.life.tenant, asked));
  assert.ok(fresh !== undefined);
  await assert.rejects(insertKeys(all.test.records, [fresh.wrapped], systemClock.now()), {
    code: "40001",
  });
});

test("records sees who was shredded and can neither shred nor undo it", async (t) => {
  const all = await town(t);
  valueOf(await all.test.work((work) => shred(work, all.order)));
  const { records } = all.test;
  const rows = await records.query("SELECT compartment FROM keyring.shredded");
  assert.deepEqual(rows, [{ compartment: all.ana }]);
  const denied = { code: "42501" };
  await assert.rejects(records.query("DELETE FROM keyring.shredded"), denied);
  await assert.rejects(
    records.query("INSERT INTO keyring.shredded SELECT * FROM keyring.shredded"),
    denied,
  );
  await assert.rejects(records.query("UPDATE keyring.epoch_floor SET epoch = 1"), denied);
});

test("the status counts keys by epoch and names what was cut off", async (t) => {
  const all = await town(t);
  const cut = cutAt(all.test.life, 6, "before");
  await all.test.work((work) => shred(work, all.order), cut.life);
  const status = valueOf(await keysStatus(all.test.life));
  assert.deepEqual(
    [status.shredded, status.shredsUnfinished, status.cutOff, status.workRunning],
    [1, 1, ["shred"], false],
  );
  valueOf(await all.test.work((work) => shred(work, all.order)));
  const after = valueOf(await keysStatus(all.test.life));
  assert.deepEqual(after.cutOff, []);
  assert.deepEqual(
    after.epochs.map(({ epoch, keys }) => [epoch, keys]),
    [[2, all.survivors.size + 1]],
  );
  assert.deepEqual([after.lost, after.underOlderEpochs, after.compartments], [0, 0, 3]);
});

test("a patient may be named by the pseudonym that has keys, else by the Patient's id", async (t) => {
  const { test: life, ana } = await town(t);
  const asked: string[] = [];
  const desk = {
    ...life.life.desk,
    pseudonymOf: async (id: string) => {
      asked.push(id);
      return ok(ana);
    },
  };
  const { db } = life.life;
  const other = somePatient();
  assert.equal(valueOf(await patientOf({ db, desk }, ana)), ana);
  assert.equal(valueOf(await patientOf({ db, desk }, other)), ana);
  assert.equal(valueOf(await patientOf({ db, desk }, "chart-4711")), ana);
  assert.deepEqual(asked, [other, "chart-4711"]);
  assert.equal(codeOf(await patientOf({ db, desk }, "no/id")), "parameter-invalid");
});
