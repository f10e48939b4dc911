import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTenantId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { openDatabase, type Queryable } from "#storage/database.ts";
import { testEntry, testLog, write } from "#audit/testing.ts";

const denied = { code: "42501" };

async function count(on: Queryable, table: string): Promise<number> {
  const [row] = await on.query<{ n: number }>(`SELECT count(*) AS n FROM audit.${table}`);
  return row?.n ?? 0;
}

const changes = (table: string, column: string): readonly string[] => [
  `UPDATE audit.${table} SET ${column} = ${column}`,
  `DELETE FROM audit.${table}`,
  `TRUNCATE audit.${table}`,
  `DROP TABLE audit.${table}`,
  `ALTER TABLE audit.${table} DISABLE ROW LEVEL SECURITY`,
];

for (const role of ["phylax_records", "phylax_identity", "phylax_auditor"] as const) {
  test(`${role} can change or remove nothing of the log`, async (t) => {
    const { log, database } = await testLog(t);
    await write(log, [[testEntry(1)]]);
    const db = database.as(role);
    const all = [
      ...changes("entry", "leaf"),
      ...changes("tile", "hashes"),
      ...changes("checkpoint", "note"),
      ...changes("log", "origin"),
    ];
    for (const sql of all) await assert.rejects(db.query(sql), denied, sql);
  });
}

test("the auditor reads the log and adds nothing", async (t) => {
  const { log, database } = await testLog(t);
  await write(log, [[testEntry(1)]]);
  const db = database.as("phylax_auditor");
  assert.equal(await count(db, "entry"), 1);
  assert.equal(await count(db, "checkpoint"), 2);
  await assert.rejects(db.query("INSERT INTO audit.checkpoint VALUES (1, 9, 'x')"), denied);
  await assert.rejects(db.query("SELECT * FROM audit.used_proof"), denied);
  await assert.rejects(db.query("SELECT * FROM audit.lease"), denied);
});

test("identity neither reads nor adds to the log of records", async (t) => {
  const { log, database } = await testLog(t);
  await write(log, [[testEntry(1)]]);
  const [own] = await database
    .as("phylax_records")
    .query<{ id: number }>("SELECT id FROM audit.log");
  const db = database.as("phylax_identity");
  assert.equal(await count(db, "entry"), 0);
  await assert.rejects(
    db.query("INSERT INTO audit.checkpoint VALUES ($1, 9, 'x')", [own?.id]),
    denied,
  );
  await db.query("UPDATE audit.lease SET epoch = epoch + 1");
  await write(log, [[testEntry(2)]]);
});

test("records reads the log that identity writes", async (t) => {
  const { log, database } = await testLog(t, { role: "phylax_identity" });
  await write(log, [[testEntry(1, { action: "sign-in" })]]);
  assert.equal(await count(database.as("phylax_records"), "entry"), 1);
});

test("another tenant sees no log, no entry and no proof", async (t) => {
  const { log, database, db } = await testLog(t);
  await write(log, [[testEntry(1)]]);
  const tenant = parseTenantId(systemRandom.uuid());
  assert.ok(tenant !== null);
  const connection = database.connection("phylax_records");
  const other = openDatabase({ connection, tenant, maxConnections: 1 });
  try {
    for (const table of ["log", "entry", "tile", "checkpoint", "lease", "used_proof"])
      assert.equal(await count(other, table), 0, table);
    assert.equal(await count(db, "entry"), 1);
  } finally {
    await other.close();
  }
});
