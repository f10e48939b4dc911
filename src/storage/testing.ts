import { after, type TestContext } from "node:test";
import { parseTenantId, type TenantId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import type { Connection, DatabaseRole } from "#storage/connection.ts";
import { openDatabase, type Database } from "#storage/database.ts";
import {
  passwords,
  runAsAdmin,
  startTestServer,
  template,
  type TestServer,
} from "#storage/test-server.ts";

let own: Promise<TestServer> | null = null;
// At the file's own level, so that it runs when the last test of the process is done. Not in a
// bench: being told of the end makes the test runner watch every promise, at half the speed.
if (process.argv[1]?.endsWith(".test.ts") === true)
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
