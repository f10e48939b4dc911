import { readFileSync } from "node:fs";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { databaseRoles, type Connection, type DatabaseRole } from "#storage/connection.ts";
import {
  makeRolePasswords,
  migrate,
  readMigrations,
  type RolePasswords,
} from "#storage/migrate.ts";
import { secretFile, writeSecretFile, type Home } from "#assembly/home.ts";

/** Reads `postgres://user:password@host:port/database` (RFC 3986) into a Connection. */
export function parseDatabaseUrl(text: string): Result<Connection> {
  const refused = refuse("storage-unavailable", {
    detail: "DATABASE_URL is not a postgres:// address with user and database",
  });
  if (!URL.canParse(text)) return refused;
  const url = new URL(text);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (!/^postgres(ql)?:$/.test(url.protocol) || url.username === "" || database === "")
    return refused;
  return ok({
    host: url.searchParams.get("host") ?? url.hostname,
    port: url.port === "" ? 5_432 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
  });
}

/** Those kept in the home; a role that came with a newer version gets its own now. */
function rolePasswords(home: Home, random: Random): RolePasswords {
  const path = home.file("database", "passwords.json");
  const fresh = makeRolePasswords(random);
  const kept = JSON.parse(secretFile(path, () => JSON.stringify(fresh))) as Partial<RolePasswords>;
  const all = { ...fresh, ...kept };
  if (databaseRoles.some((role) => kept[role] === undefined))
    writeSecretFile(path, JSON.stringify(all));
  return all;
}

/**
 * Brings the database to the newest form and leaves, for each process, a file that only lets it
 * enter as its own role. Answers how many migrations ran.
 */
export async function prepareDatabase(
  home: Home,
  admin: Connection,
  random: Random,
): Promise<Result<number>> {
  const passwords = rolePasswords(home, random);
  const migrated = await migrate({
    connection: admin,
    passwords,
    random,
    migrations: await readMigrations(),
  });
  if (!migrated.ok) return migrated;
  for (const role of databaseRoles) {
    const connection: Connection = { ...admin, user: role, password: passwords[role] };
    writeSecretFile(home.file("database", `${role}.json`), JSON.stringify(connection));
  }
  return migrated;
}

/** How a process enters the database; throws when no start has prepared this home. */
export function connectionOf(home: Home, role: DatabaseRole): Connection {
  return JSON.parse(readFileSync(home.file("database", `${role}.json`), "utf8")) as Connection;
}
