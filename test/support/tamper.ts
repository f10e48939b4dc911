import assert from "node:assert/strict";
import { join } from "node:path";
import { Client } from "pg";
import { runningServer } from "#storage/embedded.ts";

/** Runs SQL as the superuser of a home's running database: the administrator that the log must convict. */
export async function tamper(home: string, sql: string): Promise<number> {
  const connection = await runningServer(join(home, "postgres"));
  assert.ok(connection !== null, "the database runs");
  const client = new Client(connection);
  await client.connect();
  try {
    return (await client.query(sql)).rowCount ?? 0;
  } finally {
    await client.end();
  }
}
