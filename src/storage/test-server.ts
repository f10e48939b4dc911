import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import type { Connection } from "#storage/connection.ts";
import { startEmbedded } from "#storage/embedded.ts";
import { migrate, readMigrations, type RolePasswords } from "#storage/migrate.ts";

/** For tests only: throw-away passwords of throw-away servers. */
export const passwords: RolePasswords = {
  phylax_owner: "owner-of-a-test",
  phylax_records: "records-of-a-test",
  phylax_identity: "identity-of-a-test",
  phylax_auditor: "auditor-of-a-test",
  phylax_keeper: "keeper-of-a-test",
};

export const template = "phylax_template";

export interface TestServer {
  /** As superuser; JSON of it is what PHYLAX_TEST_POSTGRES holds for the test processes. */
  readonly connection: Connection;
  stop(): Promise<void>;
}

export async function runAsAdmin(
  connection: Connection,
  statements: readonly string[],
): Promise<void> {
  const client = new Client(connection);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function makeTemplate(connection: Connection): Promise<void> {
  await runAsAdmin({ ...connection, database: "postgres" }, [`CREATE DATABASE ${template}`]);
  const migrated = await migrate({
    connection: { ...connection, database: template },
    passwords,
    random: systemRandom,
    migrations: await readMigrations(),
  });
  if (!migrated.ok) throw new Error(migrated.problem.detail ?? migrated.problem.code);
}

// Outlives the death of its processes, not that of the machine, which would end the test too.
const hasty = { fsync: "off", full_page_writes: "off" } as const;

/**
 * Starts a server with a migrated template database, which each test then copies; for a bench it is
 * as `durable` as in production. Throws when it does not start or a migration is broken.
 */
export async function startTestServer({ durable = false } = {}): Promise<TestServer> {
  const home = await mkdtemp(join(tmpdir(), "phylax-pg-"));
  const started = await startEmbedded({
    home,
    clock: systemClock,
    random: systemRandom,
    onExit: () => {},
    settings: { ...(durable ? {} : hasty), max_connections: "200" },
  });
  if (!started.ok) throw new Error(started.problem.detail ?? started.problem.code);
  const { connection } = started.value;
  const stop = async (): Promise<void> => {
    await started.value.stop();
    await rm(home, { recursive: true, force: true });
  };
  try {
    await makeTemplate(connection);
  } catch (error) {
    await stop();
    throw error;
  }
  return { connection: { ...connection, database: "postgres" }, stop };
}
