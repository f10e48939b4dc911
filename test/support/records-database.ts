import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { connectionOf } from "#assembly/database.ts";
import { openHome, readSettings } from "#assembly/home.ts";
import { openDatabase, type Database } from "#storage/database.ts";

/** One connection to a running deployment's database, as the records process enters it. */
export function recordsDatabase(t: TestContext, homeFolder: string): Database {
  const home = openHome(homeFolder);
  const settings = home.ok ? readSettings(home.value) : null;
  assert.ok(home.ok && settings !== null);
  const db = openDatabase({
    connection: connectionOf(home.value, "phylax_records"),
    tenant: settings.tenant,
    maxConnections: 1,
  });
  t.after(() => db.close());
  return db;
}
