import assert from "node:assert/strict";
import { test } from "node:test";
import { testDatabase } from "#storage/testing.ts";

test("each test has a database of its own, with the parts' schemas", async (t) => {
  const [one, two] = [await testDatabase(t), await testDatabase(t)];
  assert.notEqual(one.admin.database, two.admin.database);
  const rows = await one
    .as("phylax_records")
    .query<{ nspname: string }>(
      "SELECT nspname FROM pg_namespace WHERE nspname IN ('audit','keyring','records','identity') ORDER BY 1",
    );
  assert.deepEqual(
    rows.map((row) => row.nspname),
    ["audit", "identity", "keyring", "records"],
  );
});

test("a session knows its tenant", async (t) => {
  const database = await testDatabase(t);
  const [row] = await database
    .as("phylax_identity")
    .query<{ tenant: string }>("SELECT current_setting('phylax.tenant') AS tenant");
  assert.equal(row?.tenant, database.tenant);
});
