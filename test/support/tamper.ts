import assert from "node:assert/strict";
import { join } from "node:path";
import { Client } from "pg";
import { runningServer } from "#storage/embedded.ts";

async function asSuperuser<T>(home: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await runningServer(join(home, "postgres"));
  assert.ok(connection !== null, "the database runs");
  const client = new Client(connection);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs SQL as the superuser of a home's running database: the administrator that the log must convict. */
export function tamper(home: string, sql: string): Promise<number> {
  return asSuperuser(home, async (client) => (await client.query(sql)).rowCount ?? 0);
}

/** Rows of the record store, whoever's they are. */
export function countRows(home: string): Promise<number> {
  return asSuperuser(home, async (client) => {
    const { rows } = await client.query<{ count: string }>("SELECT count(*) FROM records.resource");
    return Number(rows[0]?.count);
  });
}
