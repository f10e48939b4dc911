import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { Client } from "pg";
import type { Random } from "#core/random.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { databaseRoles, type Connection, type DatabaseRole } from "#storage/connection.ts";
import { scramVerifier } from "#storage/scram.ts";
import { storageProblem } from "#storage/storage-problem.ts";

export type RolePasswords = Readonly<Record<DatabaseRole, string>>;

/** A password for each database role: 256 random bits in base64url. */
export function makeRolePasswords(random: Random): RolePasswords {
  const password = (): string => random.bytes(32).toString("base64url");
  return {
    phylax_owner: password(),
    phylax_records: password(),
    phylax_identity: password(),
    phylax_auditor: password(),
    phylax_keeper: password(),
  };
}

export interface Migration {
  /** File name; the four digits in front give the order. */
  readonly name: string;
  readonly sql: string;
}

const fileName = /^\d{4}_[a-z0-9_]+\.sql$/;

/** The product's own migrations, in order. Throws when the folder holds anything else. */
export async function readMigrations(
  folder: URL = new URL("migrations/", import.meta.url),
): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).sort();
  const odd = names.find((name) => !fileName.test(name));
  if (odd !== undefined) throw new Error(`${odd} is not named like a migration`);
  return Promise.all(
    names.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), "utf8") })),
  );
}

export interface MigrateOptions {
  /** Enters as an administrator: the superuser, or a role that may create roles and schemas. */
  readonly connection: Connection;
  readonly passwords: RolePasswords;
  readonly random: Random;
  readonly migrations: readonly Migration[];
}

interface Applied {
  readonly name: string;
  readonly sha256: string;
}

/** How long one file may take; building an index over many rows is slow. */
const migrationMs = 60 * 60_000;

const journal = `
  CREATE SCHEMA IF NOT EXISTS migration;
  CREATE TABLE IF NOT EXISTS migration.applied (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  );
  -- One row, locked while somebody migrates, so that two starting at once take turns.
  CREATE TABLE IF NOT EXISTS migration.turn (only_row boolean PRIMARY KEY CHECK (only_row));
  INSERT INTO migration.turn VALUES (true) ON CONFLICT DO NOTHING`;

const hashOf = (sql: string): string => createHash("sha256").update(sql).digest("hex");

/** The files still to run; null with the name of the file that is not the one once applied. */
function pendingOf(
  migrations: readonly Migration[],
  applied: readonly Applied[],
): { pending: readonly Migration[] } | { changed: string } {
  for (const [index, row] of applied.entries()) {
    const file = migrations[index];
    if (file?.name !== row.name || hashOf(file.sql) !== row.sha256) return { changed: row.name };
  }
  return { pending: migrations.slice(applied.length) };
}

async function runFile(client: Client, { name, sql }: Migration, first: boolean): Promise<void> {
  // The first file makes the owner; all that follow belong to it.
  if (!first) await client.query("SET LOCAL ROLE phylax_owner");
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof Error) || storageProblem(error) !== null) throw error;
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
  await client.query("RESET ROLE");
  await client.query("INSERT INTO migration.applied (name, sha256) VALUES ($1, $2)", [
    name,
    hashOf(sql),
  ]);
}

async function setPasswords(client: Client, { passwords, random }: MigrateOptions): Promise<void> {
  for (const role of databaseRoles) {
    const verifier = scramVerifier(passwords[role], random.bytes(16));
    await client.query(`ALTER ROLE ${role} PASSWORD ${client.escapeLiteral(verifier)}`);
  }
}

async function inTurn(client: Client, options: MigrateOptions): Promise<Result<number>> {
  // Two that start at once on a new database can trip over each other's CREATE, but not twice.
  await client.query(journal).catch(() => client.query(journal));
  await client.query("BEGIN");
  await client.query("SELECT only_row FROM migration.turn FOR UPDATE");
  const { rows } = await client.query<Applied>(
    "SELECT name, sha256 FROM migration.applied ORDER BY name",
  );
  const plan = pendingOf(options.migrations, rows);
  if ("changed" in plan) {
    await client.query("ROLLBACK");
    return refuse("storage-unavailable", {
      detail: `The migration ${plan.changed} was applied in another form than this program has.`,
    });
  }
  for (const [index, file] of plan.pending.entries())
    await runFile(client, file, rows.length + index === 0);
  await setPasswords(client, options);
  await client.query("COMMIT");
  return ok(plan.pending.length);
}

/**
 * Brings the database to the newest form, all pending files in one transaction, and gives the
 * roles their passwords. Answers how many files ran. A file that was changed after it was applied,
 * or one that is no longer there, fails as storage-unavailable with its name. Throws on an error
 * in a file, having changed nothing.
 */
export async function migrate(options: MigrateOptions): Promise<Result<number>> {
  const client = new Client({ ...options.connection, statement_timeout: migrationMs });
  // A connection that dies tells whoever waits for it; without a listener it would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    return await inTurn(client, options);
  } catch (error) {
    const code = storageProblem(error);
    if (code === null) throw error;
    return refuse(code);
  } finally {
    await client.end();
  }
}
