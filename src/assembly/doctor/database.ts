import { existsSync } from "node:fs";
import { join } from "node:path";
import { ok, type Result } from "#core/result.ts";
import { connectionOf } from "#assembly/database.ts";
import { failure, good, type Check, type Patient } from "#assembly/doctor/check.ts";
import { readServerFacts, type ServerFacts } from "#assembly/doctor/settings-store.ts";
import { openDatabase } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

const name = "Database";

/** Without each of these an acknowledged entry of the log may be gone after a power cut. */
const durable = {
  fsync: ["on"],
  full_page_writes: ["on"],
  synchronous_commit: ["on", "remote_write", "remote_apply", "local"],
} as const;

/** Asks the server as the auditor; null when this home was never started. Fails as the database. */
export async function serverFacts({
  home,
  settings,
  clock,
}: Pick<Patient, "home" | "settings" | "clock">): Promise<Result<ServerFacts | null>> {
  if (!existsSync(join(home.path, "database", "phylax_auditor.json"))) return ok(null);
  const db = openDatabase({
    connection: connectionOf(home, "phylax_auditor"),
    tenant: settings.tenant,
    maxConnections: 1,
  });
  try {
    return await attempt(() => readServerFacts(db, Object.keys(durable), clock));
  } finally {
    await db.close();
  }
}

/** That what the database acknowledges outlives a power cut. */
export function checkDatabase(
  facts: Result<ServerFacts | null>,
  { running }: Pick<Patient, "running">,
): Check {
  if (!facts.ok || facts.value === null)
    return running
      ? failure(name, "the database does not answer", "look into the home's log folder")
      : good(name, "not looked at: Phylax does not run");
  const { settings } = facts.value;
  const wrong = Object.entries(durable).filter(
    ([setting, fit]) => !fit.some((value) => value === settings[setting]),
  );
  if (wrong.length === 0)
    return good(name, "fsync, full_page_writes and synchronous_commit are on");
  const said = wrong.map(([setting]) => `${setting} is ${settings[setting] ?? "not known"}`);
  const statements = wrong.map(([setting]) => `ALTER SYSTEM SET ${setting} = on`);
  return failure(
    name,
    `${said.join(", ")}: a power cut can lose what was acknowledged`,
    `as the server's owner: ${statements.join("; ")}; then reload it`,
  );
}
