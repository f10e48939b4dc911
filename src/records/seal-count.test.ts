import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import * as fc from "fast-check";
import { systemClock } from "#core/clock.ts";
import { parseResourceId, parseResourceType } from "#core/ids.ts";
import type { RowWrite, WriteGroup } from "#records/write-plan.ts";
import { writeRecords } from "#records/write-store.ts";
import type { Database } from "#storage/database.ts";
import { testVault } from "#vault/testing.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";

function known<T>(value: T | null | undefined): T {
  assert.ok(value !== null && value !== undefined);
  return value;
}

interface World {
  readonly db: Database;
  readonly vault: Vault;
  readonly keys: readonly DataKey[];
  readonly write: (groups: readonly WriteGroup[], fails?: boolean) => Promise<unknown>;
  readonly seals: () => Promise<readonly number[]>;
}

/** Two patients and the organisation. */
async function world(t: TestContext): Promise<World> {
  const { database, db, vault } = await testVault(t);
  const deps = { tenant: database.tenant, vault, clock: systemClock };
  const who: Compartment[] = ["ana", "ben"].map((id) =>
    vault.pseudonymOf(known(parseResourceId(id))),
  );
  who.push("organisation");
  const made = await vault.create(who);
  assert.ok(made.ok);
  return {
    db,
    vault,
    keys: who.map((compartment) => known(made.value.get(compartment))),
    write: (groups, fails = false) =>
      db.transaction(async (tx) => {
        await writeRecords(deps)(tx, groups);
        if (fails) throw new Error("the log could not be written");
      }),
    seals: async () => {
      const rows = await db.query<{ compartment: string; seals: number }>(
        "SELECT compartment, seals FROM keyring.data_key WHERE dek_version = 1",
      );
      const of = new Map(rows.map(({ compartment, seals }) => [compartment, seals]));
      return who.map((compartment) => of.get(compartment) ?? Number.NaN);
    },
  };
}

const put = (id: string, key: DataKey, text = "x", skipUnchanged = false): RowWrite => ({
  type: known(parseResourceType("Observation")),
  id: known(parseResourceId(id)),
  compartment: key.compartment,
  patient: null,
  key,
  ifVersion: null,
  content: {
    kind: "put",
    render: () => text,
    mac: Buffer.from(text.padEnd(16, ".")),
    macUnder: () => Buffer.from(text.padEnd(16, ".")),
    labels: [],
    relations: null,
    skipUnchanged,
  },
});

test("each key counts the rows that were sealed under it, in the transaction that stores them", async (t) => {
  const { keys, write, seals } = await world(t);
  const key = fc.sample(fc.constantFrom(...keys), 60);
  const rows = key.map((each, n) => put(`${n % 40}-${keys.indexOf(each)}`, each));
  await write([
    { atomic: false, rows: rows.slice(0, 30) },
    { atomic: false, rows: rows.slice(30, 50) },
  ]);
  await write([{ atomic: true, rows: rows.slice(50) }]);
  const made = keys.map((each) => key.filter((one) => one === each).length);
  assert.deepEqual(await seals(), made);
});

test("what is refused or unchanged is not counted, and what is rolled back counts for nothing", async (t) => {
  const { keys, write, seals } = await world(t);
  const [ana, ben] = [known(keys[0]), known(keys[1])];
  await write([{ atomic: true, rows: [put("a", ana)] }]);
  await write([
    { atomic: true, rows: [put("a", ana, "x", true)] },
    { atomic: true, rows: [put("b", ben), { ...put("c", ben), ifVersion: 9 }] },
  ]);
  await assert.rejects(write([{ atomic: true, rows: [put("d", ana)] }], true), /log could not/);
  assert.deepEqual(await seals(), [1, 0, 0]);
});

test("writers of the same patients in any order count all of it and never deadlock", async (t) => {
  const { keys, write, seals } = await world(t);
  const flushes = Array.from({ length: 12 }, (_, flush) =>
    (flush % 2 === 0 ? keys : keys.toReversed()).map((key, n) => put(`${flush}-${n}`, key)),
  );
  await Promise.all(flushes.map((rows) => write([{ atomic: true, rows }])));
  assert.deepEqual(await seals(), [12, 12, 12]);
});

test("a row prepared before its key was renewed is sealed under the new key", async (t) => {
  const { db, vault, keys, write, seals } = await world(t);
  const old = known(keys[0]);
  assert.ok((await vault.renew([old.compartment])).ok);
  await write([{ atomic: true, rows: [put("a", old)] }]);
  const rows = await db.query("SELECT dek_version FROM records.resource WHERE id = 'a'");
  assert.deepEqual(rows, [{ dek_version: 2 }]);
  assert.deepEqual(await seals(), [0, 0, 0]);
});

test("nothing is stored under a key that has no row any more", async (t) => {
  const { db, keys, write } = await world(t);
  const lost = { ...known(keys[0]), dekVersion: 7 };
  await assert.rejects(write([{ atomic: true, rows: [put("a", lost)] }]), { code: "40001" });
  assert.deepEqual(await db.query("SELECT FROM records.resource"), []);
});
