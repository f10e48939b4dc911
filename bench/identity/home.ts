import { readFileSync } from "node:fs";
import { connectionOf } from "#assembly/database.ts";
import { openHome, readSettings, type Home } from "#assembly/home.ts";
import type { TenantId } from "#core/ids.ts";
import type { TlsIdentity } from "#core/net.ts";
import type { DatabaseRole } from "#storage/connection.ts";
import { openDatabase, type Database } from "#storage/database.ts";

/** A running deployment's home, as its own processes see it. */
export interface OpenedHome {
  readonly home: Home;
  readonly tenant: TenantId;
  identityOf(role: "gateway" | "records"): TlsIdentity;
  database(role: DatabaseRole): Database;
}

export function openedHome(path: string): OpenedHome {
  const opened = openHome(path);
  const settings = opened.ok ? readSettings(opened.value) : null;
  if (!opened.ok || settings === null) throw new Error("no home");
  const home = opened.value;
  const { tenant } = settings;
  return {
    home,
    tenant,
    identityOf: (role) =>
      JSON.parse(readFileSync(home.file("certificates", `${role}.json`), "utf8")) as TlsIdentity,
    database: (role) =>
      openDatabase({ connection: connectionOf(home, role), tenant, maxConnections: 2 }),
  };
}
