import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import { Client } from "pg";
import { systemClock } from "#core/clock.ts";
import { parseTenantId, type TenantId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import type { Connection, DatabaseRole } from "#storage/connection.ts";
import { openDatabase, type Database } from "#storage/database.ts";
import { startEmbedded } from "#storage/embedded.ts";
import { migrate, readMigrations, type RolePasswords } from "#storage/migrate.ts";

/** For tests only. Throw-away passwords of throw-away servers. */
const passwords: RolePasswords = {
  phylax_owner: "owner-of-a-test",
  phylax_records: "records-of-a-test",
  phylax_identity: "identity-of-a-test",
  phylax_auditor: "auditor-of-a-test",
};

const template = "phylax_template";

export interface TestServer {
  /** As superuser; JSON of it is what PHYLAX_TEST_POSTGRES holds for the test processes. */
  readonly connection: Connection;
  stop(): Promise<void>;
}

async function runAsAdmin(connection: Connection, statements: readonly string[]): Promise<void> {
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

/**
 * Starts a server with a migrated template database, which each test then copies. Throws when it
 * does not start or a migration is broken.
 */
export async function startTestServer(): Promise<TestServer> {
  const home = await mkdtemp(join(tmpdir(), "phylax-pg-"));
  const started = await startEmbedded({
    home,
    clock: systemClock,
    random: systemRandom,
    onExit: () => {},
    // Outlives the death of its processes, not that of the machine, which would end the test too.
    settings: { fsync: "off", full_page_writes: "off", max_connections: "200" },
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

let own: Promise<TestServer> | null = null;
// At the file's own level, so that it runs when the last test of the process is done.
after(async () => {
  // One that did not start has already failed the test that asked for it.
  const server = await own?.catch(() => null);
  await server?.stop();
});

/** The server that the test run shares, or one of this process's own when it runs alone. */
async function sharedServer(): Promise<Connection> {
  const shared = process.env["PHYLAX_TEST_POSTGRES"];
  if (shared !== undefined) return JSON.parse(shared) as Connection;
  own ??= startTestServer();
  return (await own).connection;
}

export interface TestDatabase {
  readonly tenant: TenantId;
  /** A pool that enters as this role, closed when the test ends. */
  as(role: DatabaseRole, maxConnections?: number): Database;
  connection(role: DatabaseRole): Connection;
  /** As superuser, past all grants and row level security: for tampering. */
  readonly admin: Connection;
}

/** A fresh, migrated database for one test, dropped when the test ends. */
export async function testDatabase(t: TestContext): Promise<TestDatabase> {
  const server = await sharedServer();
  const database = `test_${systemRandom.uuid().replaceAll("-", "")}`;
  const tenant = parseTenantId(systemRandom.uuid());
  invariant(tenant !== null, "a uuid is a tenant id");
  await runAsAdmin(server, [`CREATE DATABASE ${database} TEMPLATE ${template}`]);
  const opened: Database[] = [];
  t.after(async () => {
    await Promise.all(opened.map((db) => db.close()));
    await runAsAdmin(server, [`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`]);
  });
  const connection = (role: DatabaseRole): Connection => ({
    ...server,
    user: role,
    password: passwords[role],
    database,
  });
  return {
    tenant,
    connection,
    admin: { ...server, database },
    as: (role, maxConnections = 4) => {
      const db = openDatabase({ connection: connection(role), tenant, maxConnections });
      opened.push(db);
      return db;
    },
  };
}
