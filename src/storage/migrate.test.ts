import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { Client } from "pg";
import { systemRandom } from "#core/random.ts";
import { databaseRoles, type Connection } from "#storage/connection.ts";
import { makeRolePasswords, migrate, readMigrations, type Migration } from "#storage/migrate.ts";
import { scramVerifier } from "#storage/scram.ts";
import { testDatabase } from "#storage/testing.ts";

const mine: Migration = {
  name: "9001_mine.sql",
  sql: "CREATE TABLE records.mine_of_a_test (id int)",
};

/** The passwords that the test server's roles have, so that other tests can still enter. */
async function setting(t: TestContext) {
  const database = await testDatabase(t);
  const [phylax_owner, phylax_records, phylax_identity, phylax_auditor, phylax_keeper] =
    databaseRoles.map((role) => database.connection(role).password);
  const passwords = {
    phylax_owner: phylax_owner ?? "",
    phylax_records: phylax_records ?? "",
    phylax_identity: phylax_identity ?? "",
    phylax_auditor: phylax_auditor ?? "",
    phylax_keeper: phylax_keeper ?? "",
  };
  const product = await readMigrations();
  const run = (migrations: readonly Migration[]) =>
    migrate({ connection: database.admin, passwords, random: systemRandom, migrations });
  return { database, product, run };
}

async function ask(connection: Connection, sql: string): Promise<readonly unknown[]> {
  const client = new Client(connection);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test("what was applied is not applied again", async (t) => {
  const { product, run } = await setting(t);
  assert.deepEqual(await run(product), { ok: true, value: 0 });
});

test("a new file is applied, as the owner", async (t) => {
  const { database, product, run } = await setting(t);
  assert.deepEqual(await run([...product, mine]), { ok: true, value: 1 });
  const owner = await ask(
    database.admin,
    "SELECT tableowner FROM pg_tables WHERE tablename = 'mine_of_a_test'",
  );
  assert.deepEqual(owner, [{ tableowner: "phylax_owner" }]);
});

test("an applied file that was changed is refused by name", async (t) => {
  const { product, run } = await setting(t);
  const changed = product.map((file, at) => (at === 1 ? { ...file, sql: `${file.sql}\n` } : file));
  const result = await run(changed);
  assert.equal(!result.ok && result.problem.code, "storage-unavailable");
  assert.match((!result.ok && result.problem.detail) || "", /0002_audit\.sql/);
});

test("an applied file that is gone, or one put in between, is refused", async (t) => {
  const { product, run } = await setting(t);
  assert.ok(!(await run(product.slice(0, -1))).ok);
  assert.ok(!(await run([...product.slice(0, 1), mine, ...product.slice(1)])).ok);
});

test("a file with an error changes nothing, not even by the files before it, and is named", async (t) => {
  const { database, product, run } = await setting(t);
  const broken = { name: "9002_broken.sql", sql: "CREATE TABLE records.other (id nonsense)" };
  await assert.rejects(run([...product, mine, broken]), /9002_broken\.sql/);
  const left = await ask(
    database.admin,
    "SELECT FROM pg_tables WHERE tablename = 'mine_of_a_test'",
  );
  assert.deepEqual(left, []);
});

test("two that migrate at once take turns", async (t) => {
  const { product, run } = await setting(t);
  const results = await Promise.all([run([...product, mine]), run([...product, mine])]);
  const counts = results.map((result) => (result.ok ? result.value : null));
  assert.deepEqual(new Set(counts), new Set([0, 1]));
});

test("a server that is not there is storage-unavailable", async (t) => {
  const { database, product } = await setting(t);
  const result = await migrate({
    connection: { ...database.admin, host: "/nowhere" },
    passwords: makeRolePasswords(systemRandom),
    random: systemRandom,
    migrations: product,
  });
  assert.equal(!result.ok && result.problem.code, "storage-unavailable");
});

test("a folder that holds anything but migrations is refused", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "phylax-migrations-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "0001_one.sql"), "SELECT 1");
  const url = pathToFileURL(`${folder}/`);
  assert.deepEqual(await readMigrations(url), [{ name: "0001_one.sql", sql: "SELECT 1" }]);
  await writeFile(join(folder, "notes.txt"), "");
  await assert.rejects(readMigrations(url), /notes\.txt/);
});

test("the tables of the product all belong to the owner, and none is open to everybody", async (t) => {
  const { database } = await setting(t);
  const foreign = await ask(
    database.admin,
    `SELECT schemaname, tablename FROM pg_tables
     WHERE schemaname IN ('audit', 'keyring', 'records', 'identity') AND tableowner <> 'phylax_owner'`,
  );
  assert.deepEqual(foreign, []);
  const open = await ask(
    database.admin,
    `SELECT table_schema, table_name FROM information_schema.role_table_grants
     WHERE grantee = 'PUBLIC' AND table_schema IN ('audit', 'keyring', 'records', 'identity')`,
  );
  assert.deepEqual(open, []);
});

test("every table with a tenant has row level security", async (t) => {
  const { database } = await setting(t);
  const bare = await ask(
    database.admin,
    `SELECT c.oid::regclass::text AS name FROM pg_class c
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
     WHERE c.relkind IN ('r', 'p') AND NOT c.relrowsecurity`,
  );
  assert.deepEqual(bare, []);
});

test("passwords are 256 random bits each", () => {
  const made = Object.values(makeRolePasswords(systemRandom));
  assert.equal(new Set(made).size, databaseRoles.length);
  for (const password of made) assert.equal(Buffer.from(password, "base64url").length, 32);
});

test("the stored verifier of a password is that of RFC 7677's example", () => {
  const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
  const [, , keys = ""] = scramVerifier("pencil", salt).split("$");
  const [, serverKey = ""] = keys.split(":");
  assert.equal(serverKey, "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
});
