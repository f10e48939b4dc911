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

/** An entry of the log as it stands in its leaf. */
export interface LoggedEntry {
  readonly action: string;
  readonly decision: string;
  readonly actor: string | null;
  readonly patient: string | null;
  readonly device: string | null;
  readonly resourceType: string | null;
  readonly requestId: string | null;
  readonly reasons: readonly string[];
  readonly count: number;
}

/** Every entry of the log with this action, oldest first. */
export function loggedEntries(home: string, action: string): Promise<readonly LoggedEntry[]> {
  return asSuperuser(home, async (client) => {
    const { rows } = await client.query<{ leaf: LoggedEntry }>(
      `SELECT convert_from(leaf, 'UTF8')::jsonb AS leaf FROM audit.entry
        WHERE action = $1 ORDER BY log_id, seq`,
      [action],
    );
    return rows.map(({ leaf }) => leaf);
  });
}
