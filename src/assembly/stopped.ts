import { createLog } from "#audit/log.ts";
import { createSigner } from "#audit/note.ts";
import { auditEntry, type AuditAction } from "#core/audit-entry.ts";
import { toIso, type Clock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { connectionOf, parseDatabaseUrl, prepareDatabase } from "#assembly/database.ts";
import type { Environment } from "#assembly/environment.ts";
import type { Home, Settings } from "#assembly/home.ts";
import { logOrigin, logPrivateKey } from "#assembly/log-keys.ts";
import { takeHome } from "#assembly/only-one.ts";
import type { Connection } from "#storage/connection.ts";
import { openDatabase } from "#storage/database.ts";
import { startEmbedded } from "#storage/embedded.ts";

/** A deployment that does not run, for commands that need it so. */
export interface StoppedDeployment {
  readonly home: Home;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  /** The name that stands in the log. */
  readonly officer: string;
}

/** Keeps the deployment from starting while `work` goes on. Fails with "already-running". */
export async function whileStopped<T>(
  { home, settings, clock }: Pick<StoppedDeployment, "home" | "settings" | "clock">,
  work: () => Promise<Result<T>>,
): Promise<Result<T>> {
  const held = await takeHome(home, () => ({
    pid: process.pid,
    publicOrigin: "",
    mode: settings.mode,
    since: toIso(clock.now()),
    processes: {},
    keys: null,
  }));
  if (held === null)
    return refuse("already-running", {
      detail: "Phylax runs on this home; stop it, restore, and start it again",
    });
  try {
    return await work();
  } finally {
    held.release();
  }
}

/** Runs `work` with the database up and in its newest form; the embedded server is started for it. */
export async function withDatabase<T>(
  { home, environment, clock, random }: Omit<StoppedDeployment, "settings" | "officer">,
  work: () => Promise<Result<T>>,
): Promise<Result<T>> {
  const prepared = async (admin: Connection): Promise<Result<T>> => {
    const migrated = await prepareDatabase(home, admin, random);
    return migrated.ok ? work() : migrated;
  };
  if (environment.databaseUrl !== null) {
    const admin = parseDatabaseUrl(environment.databaseUrl);
    return admin.ok ? prepared(admin.value) : admin;
  }
  const server = await startEmbedded({
    home: home.file("postgres"),
    clock,
    random,
    onExit: () => {},
  });
  if (!server.ok) return server;
  try {
    return await prepared(server.value.connection);
  } finally {
    await server.value.stop();
  }
}

export interface StoppedEntry {
  readonly action: AuditAction;
  /** Names of what happened; no free text. */
  readonly reasons: readonly string[];
  readonly count: number;
}

/**
 * One durable entry in the log of records, which nobody else writes while nothing runs. The database
 * must be up.
 */
export async function logWhileStopped(
  { home, settings, clock, random, officer }: Omit<StoppedDeployment, "environment">,
  told: StoppedEntry,
): Promise<Result<null>> {
  const origin = logOrigin(settings, "records");
  const db = openDatabase({
    connection: connectionOf(home, "phylax_records"),
    tenant: settings.tenant,
    maxConnections: 2,
  });
  try {
    const signer = createSigner(logPrivateKey(home, "records"), origin);
    const opened = await createLog({ db, origin, signer, clock, random });
    if (!opened.ok) return opened;
    const entry = auditEntry({
      time: clock.now(),
      decision: "permit",
      actor: `operator:${officer}`,
      role: "operator",
      zone: "operator",
      purpose: "SYSADMIN",
      ...told,
    });
    const written = await opened.value.submit({ entries: () => [entry] });
    await opened.value.close();
    return written.ok ? ok(null) : written;
  } finally {
    await db.close();
  }
}
