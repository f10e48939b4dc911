import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Client } from "pg";
import { storageProblem } from "#storage/storage-problem.ts";
import { openDatabase, type Queryable } from "#storage/database.ts";
import { testDatabase, type TestDatabase } from "#storage/testing.ts";

async function withTable(database: TestDatabase): Promise<void> {
  const owner = database.as("phylax_owner", 1);
  await owner.query("CREATE TABLE records.thing_of_a_test (id int PRIMARY KEY)");
  await owner.query("GRANT ALL ON records.thing_of_a_test TO phylax_records");
}

async function ids(on: Queryable): Promise<readonly number[]> {
  const rows = await on.query<{ id: number }>("SELECT id FROM records.thing_of_a_test ORDER BY id");
  return rows.map((row) => row.id);
}

/** A superuser's connection, which the drop of the test's database cuts off. */
async function administrator(t: TestContext, database: TestDatabase): Promise<Client> {
  const admin = new Client(database.admin);
  admin.on("error", () => {});
  await admin.connect();
  t.after(() => admin.end());
  return admin;
}

const insert = (on: Queryable, id: number) =>
  on.query("INSERT INTO records.thing_of_a_test VALUES ($1)", [id]);

test("a transaction that returns is committed with its value", async (t) => {
  const database = await testDatabase(t);
  await withTable(database);
  const db = database.as("phylax_records");
  const value = await db.transaction(async (tx) => {
    await insert(tx, 1);
    await insert(tx, 2);
    return "done";
  });
  assert.equal(value, "done");
  assert.deepEqual(await ids(db), [1, 2]);
});

test("the last statement of a transaction is committed with it, or takes all of it along", async (t) => {
  const database = await testDatabase(t);
  await withTable(database);
  const db = database.as("phylax_records", 1);
  const text = "INSERT INTO records.thing_of_a_test VALUES ($1)";
  const lastly = (id: number) =>
    db.transaction(async (tx) => {
      await insert(tx, id);
      tx.last({ name: "test-last", text, values: [2] });
    });
  await lastly(1);
  await assert.rejects(lastly(3), { code: "23505" });
  assert.deepEqual(await ids(db), [1, 2]);
});

test("statements that do not wait for one another are carried out in order", async (t) => {
  const database = await testDatabase(t);
  await withTable(database);
  const db = database.as("phylax_records", 1);
  const seen = await db.transaction(async (tx) => {
    const [, before, , after] = await Promise.all([insert(tx, 1), ids(tx), insert(tx, 2), ids(tx)]);
    return { before, after };
  });
  assert.deepEqual(seen, { before: [1], after: [1, 2] });
});

test("a transaction that throws leaves nothing, and its connection serves on", async (t) => {
  const database = await testDatabase(t);
  await withTable(database);
  const db = database.as("phylax_records", 1);
  const failing = db.transaction(async (tx) => {
    await insert(tx, 1);
    throw new TypeError("changed my mind");
  });
  await assert.rejects(failing, TypeError);
  const conflicting = db.transaction(async (tx) => {
    await insert(tx, 2);
    await insert(tx, 2);
  });
  await assert.rejects(conflicting, { code: "23505" });
  assert.deepEqual(await ids(db), []);
});

test("a named statement is prepared and takes other values the next time", async (t) => {
  const db = (await testDatabase(t)).as("phylax_records", 1);
  for (const value of [1, 2]) {
    const [row] = await db.query<{ n: number }>({
      name: "double",
      text: "SELECT 2 * $1::int AS n",
      values: [value],
    });
    assert.equal(row?.n, 2 * value);
  }
});

test("a connection that is cut off is an expected failure, and the pool makes another", async (t) => {
  const database = await testDatabase(t);
  const db = database.as("phylax_records", 1);
  const admin = await administrator(t, database);
  const [row] = await db.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const hanging = db.query("SELECT pg_sleep(20)").catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await admin.query("SELECT pg_terminate_backend($1)", [row?.pid]);
  assert.equal(storageProblem(await hanging), "storage-unavailable");
  const [again] = await db.query<{ one: number }>("SELECT 1 AS one");
  assert.equal(again?.one, 1);
});

test("a connection that is cut off while idle does not end the process", async (t) => {
  const database = await testDatabase(t);
  const db = database.as("phylax_records", 1);
  const [row] = await db.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const admin = await administrator(t, database);
  await admin.query("SELECT pg_terminate_backend($1)", [row?.pid]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await db.query("SELECT 1")).length, 1);
});

test("a transaction cut off in its midst is an expected failure and leaves nothing", async (t) => {
  const database = await testDatabase(t);
  await withTable(database);
  const db = database.as("phylax_records", 1);
  const admin = await administrator(t, database);
  const cut = db.transaction(async (tx) => {
    await insert(tx, 1);
    const [row] = await tx.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    await admin.query("SELECT pg_terminate_backend($1)", [row?.pid]);
    await insert(tx, 2);
  });
  const error: unknown = await cut.catch((failure: unknown) => failure);
  assert.equal(storageProblem(error), "storage-unavailable");
  assert.deepEqual(await ids(db), []);
});

test("a server that is not there is an expected failure", async (t) => {
  const database = await testDatabase(t);
  const connection = { ...database.connection("phylax_records"), host: "/nowhere" };
  const db = openDatabase({ connection, tenant: database.tenant, maxConnections: 1 });
  const error: unknown = await db.query("SELECT 1").catch((failure: unknown) => failure);
  assert.equal(storageProblem(error), "storage-unavailable");
  await db.close();
});

test("a statement has a time limit, and a lock too", async (t) => {
  const db = (await testDatabase(t)).as("phylax_records");
  const [row] = await db.query(
    "SELECT current_setting('statement_timeout') AS a, current_setting('lock_timeout') AS b",
  );
  assert.deepEqual(row, { a: "30s", b: "10s" });
});

test("each role enters with its own password only", async (t) => {
  const database = await testDatabase(t);
  const { password } = database.connection("phylax_auditor");
  const connection = { ...database.connection("phylax_records"), password };
  const db = openDatabase({ connection, tenant: database.tenant, maxConnections: 1 });
  await assert.rejects(db.query("SELECT 1"), { code: "28P01" });
  await db.close();
});
