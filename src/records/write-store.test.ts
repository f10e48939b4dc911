import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { systemClock } from "#core/clock.ts";
import {
  parseResourceId,
  parseResourceType,
  type ResourceId,
  type ResourceType,
} from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import { openUnseen } from "#records/opening.ts";
import { createStore, type CareAsker, type RecordStore } from "#records/store.ts";
import type { RowWrite, WriteGroup, WriteOutcome } from "#records/write-plan.ts";
import { writeRecords } from "#records/write-store.ts";
import type { Database } from "#storage/database.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";
import { testVault } from "#vault/testing.ts";

function known<T>(value: T | null | undefined): T {
  invariant(value !== null && value !== undefined, "the test's own value is well formed");
  return value;
}

const idOf = (text: string): ResourceId => known(parseResourceId(text));
const typeOf = (text: string): ResourceType => known(parseResourceType(text));
const observation = typeOf("Observation");
const nobody: CareAsker = { practitioner: null, at: systemClock.now() };

interface World {
  readonly db: Database;
  readonly vault: Vault;
  readonly store: RecordStore;
  readonly ana: Compartment;
  readonly key: DataKey;
  readonly write: (
    groups: readonly WriteGroup[],
    db?: Database,
  ) => Promise<readonly WriteOutcome[]>;
  readonly put: (id: string, text: string, more?: Partial<RowWrite>) => RowWrite;
  readonly newestText: (id: string) => Promise<string | null>;
}

async function world(t: TestContext): Promise<World> {
  const { database, db, vault } = await testVault(t);
  const deps = { tenant: database.tenant, vault, clock: systemClock };
  const store = createStore(db);
  const ana = vault.pseudonymOf(idOf("ana"));
  const made = await vault.create([ana]);
  assert.ok(made.ok);
  const key = known(made.value.get(ana));
  return {
    db,
    vault,
    store,
    ana,
    key,
    write: (groups, on = db) => on.transaction((tx) => writeRecords(deps)(tx, groups)),
    put: (id, text, more = {}) => ({
      type: observation,
      id: idOf(id),
      compartment: ana,
      patient: null,
      key,
      ifVersion: null,
      content: {
        kind: "put",
        render: (version) => JSON.stringify({ text, version }),
        mac: vault.contentMac(key, Buffer.from(text)),
        labels: [`text=${text}`],
        relations: null,
        skipUnchanged: true,
      },
      ...more,
    }),
    newestText: async (id) => {
      const found = await store.find(observation, idOf(id), nobody);
      assert.ok(found.ok);
      const opened = await openUnseen(found.value.rows, deps);
      assert.ok(opened.ok);
      return opened.value[0]?.text ?? null;
    },
  };
}

const one = (row: RowWrite): WriteGroup => ({ atomic: true, rows: [row] });

test("a written row opens as its newest version, with the hash that was told", async (t) => {
  const { write, put, store, newestText } = await world(t);
  const [first] = await write([one(put("a", "hello"))]);
  assert.ok(first?.ok === true);
  const [outcome] = first.value;
  assert.equal(outcome?.kind, "created");
  assert.equal(await newestText("a"), '{"text":"hello","version":1}');
  const found = await store.find(observation, idOf("a"), nobody);
  assert.ok(found.ok);
  const sealed = known(found.value.rows[0]).sealed;
  const hash = createHash("sha256").update(sealed).digest("base64url");
  assert.equal(outcome?.kind === "created" && outcome.ciphertextHash, hash);
});

test("older versions go to the history, also those that one flush wrote and replaced", async (t) => {
  const { write, put, store } = await world(t);
  await write([one(put("a", "one"))]);
  await write([one(put("a", "two")), one(put("a", "three")), one(put("a", "four"))]);
  const history = await store.history(observation, idOf("a"), nobody);
  assert.ok(history.ok);
  assert.deepEqual(
    history.value.rows.map(({ version }) => version),
    [4, 3, 2, 1],
  );
  for (const version of [1, 2, 3, 4]) {
    const found = await store.version({ type: observation, id: idOf("a"), version }, nobody);
    assert.ok(found.ok);
    assert.equal(found.value.rows.length, 1);
  }
});

test("each historic version opens in its own place only", async (t) => {
  const { write, put, store, db, newestText } = await world(t);
  await write([one(put("a", "one"))]);
  await write([one(put("a", "two"))]);
  const history = await store.history(observation, idOf("a"), nobody);
  assert.ok(history.ok);
  const old = known(history.value.rows[1]);
  await db.query("UPDATE records.resource SET sealed = $1 WHERE id = 'a'", [old.sealed]);
  await assert.rejects(newestText("a"), "an old version put back does not open as the new one");
});

test("equal content is written once", async (t) => {
  const { write, put } = await world(t);
  await write([one(put("a", "same"))]);
  const [again] = await write([one(put("a", "same"))]);
  assert.ok(again?.ok === true);
  assert.deepEqual(
    again.value.map(({ kind }) => kind),
    ["unchanged"],
  );
});

test("a row is found by its tokens while they are its newest version's", async (t) => {
  const { write, put, store, vault, ana, key } = await world(t);
  await write([one(put("a", "red")), one(put("b", "blue"))]);
  const search = async (text: string): Promise<readonly string[]> => {
    const found = await store.search(observation, ana, [[vault.token(key, `text=${text}`)]]);
    assert.ok(found.ok);
    return found.value.map(({ id }) => id);
  };
  assert.deepEqual(await search("red"), ["a"]);
  await write([one(put("a", "blue"))]);
  assert.deepEqual(await search("red"), []);
  assert.deepEqual((await search("blue")).toSorted(), ["a", "b"]);
});

test("a deleted row is found by its id but by no search", async (t) => {
  const { write, put, store, ana } = await world(t);
  await write([one(put("a", "x"))]);
  await write([one({ ...put("a", "x"), content: { kind: "delete" } })]);
  const found = await store.find(observation, idOf("a"), nobody);
  assert.ok(found.ok);
  assert.equal(found.value.rows[0]?.deleted, true);
  const searched = await store.search(observation, ana, []);
  assert.deepEqual(searched, { ok: true, value: [] });
});

test("of many writers at once to one row none is lost", async (t) => {
  const { write, put, store } = await world(t);
  const writers = Array.from({ length: 12 }, (_, n) => write([one(put("a", `text ${n}`))]));
  const results = await Promise.allSettled(writers);
  const done = results.filter(({ status }) => status === "fulfilled").length;
  const history = await store.history(observation, idOf("a"), nobody);
  assert.ok(history.ok);
  assert.deepEqual(
    history.value.rows.map(({ version }) => version),
    Array.from({ length: done }, (_, n) => done - n),
  );
  // Whoever found the row there waited for it; only the race to create it may be lost.
  assert.ok(done >= 1);
});

test("a writer who read an older version is told, whichever process wrote the newer one", async (t) => {
  const { write, put } = await world(t);
  await write([one(put("a", "one"))]);
  const both = await Promise.all([
    write([one(put("a", "left", { ifVersion: 1 }))]),
    write([one(put("a", "right", { ifVersion: 1 }))]),
  ]);
  const codes = both.flat().map((outcome) => (outcome.ok ? "done" : outcome.problem.code));
  assert.deepEqual(codes.toSorted(), ["done", "version-conflict"]);
});

test("a transaction that ends in the middle leaves nothing", async (t) => {
  const { db, write, put, newestText } = await world(t);
  await write([one(put("a", "before"))]);
  const dying: Database = {
    ...db,
    transaction: (work) =>
      db.transaction(async (tx) => {
        await work(tx);
        throw new Error("the process ends before COMMIT");
      }),
  };
  await assert.rejects(write([one(put("a", "after")), one(put("b", "new"))], dying));
  assert.equal(await newestText("a"), '{"text":"before","version":1}');
  assert.equal(await newestText("b"), null);
});

test("a care team lets its practitioners in, until a newer version of it does not", async (t) => {
  const { write, put, store, ana } = await world(t);
  invariant(ana !== "organisation", "ana is a patient");
  const doctor: CareAsker = { practitioner: idOf("doc"), at: systemClock.now() };
  const team = (members: readonly string[]): RowWrite => {
    const row = put("team", `team of ${members.join()}`, {
      type: typeOf("CareTeam"),
    });
    invariant(row.content.kind === "put", "it is written");
    const relations = members.map((member) => ({
      practitioner: idOf(member),
      startsAt: null,
      endsAt: null,
    }));
    return { ...row, content: { ...row.content, relations } };
  };
  const isIn = async (): Promise<boolean> => {
    const found = await store.isInCareTeam(ana, doctor);
    assert.ok(found.ok);
    return found.value;
  };
  assert.equal(await isIn(), false);
  await write([one(team(["doc", "other"]))]);
  assert.equal(await isIn(), true);
  assert.deepEqual(await store.patientsOf(doctor), { ok: true, value: [ana] });
  await write([one(team(["other"]))]);
  assert.equal(await isIn(), false);
  await write([one(team(["doc"]))]);
  await write([one({ ...team(["doc"]), content: { kind: "delete" } })]);
  assert.equal(await isIn(), false);
});

test("another tenant sees none of it", async (t) => {
  const { db, write, put } = await world(t);
  await write([one(put("a", "x"))]);
  const stranger = await db.transaction(async (tx) => {
    await tx.query("SET LOCAL phylax.tenant = '00000000-0000-4000-8000-00000000ffff'");
    return tx.query("SELECT id FROM records.resource");
  });
  assert.deepEqual(stranger, []);
  assert.equal((await db.query("SELECT id FROM records.resource")).length, 1);
});
