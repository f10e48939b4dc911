import { spawn, type ChildProcess } from "node:child_process";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import type { Clock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { Connection } from "#storage/connection.ts";
import { runToEnd, type Launcher } from "#storage/server-account.ts";
import { foldersIn, socketFolder, socketPort } from "#storage/server-folders.ts";
import { endServerIn, processesIn, readPostmasterFile } from "#storage/server-processes.ts";
import { initdbArguments, serverArguments } from "#storage/server-settings.ts";
import { exists, prepareSite, syncFolder, type Site } from "#storage/server-site.ts";
import { storageProblem } from "#storage/storage-problem.ts";

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface EmbeddedServer {
  /** As superuser, into the product's own database. */
  readonly connection: Connection;
  /** Under which account or namespace the server runs, in words. */
  readonly runsAs: string;
  readonly pid: number;
  /** Fast shutdown; resolves when no process of it is left. onExit is not called. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** A folder of the server's own, absolute; made with mode 0700. */
  readonly home: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Called once when the running server ends without having been told to. */
  readonly onExit: (exit: ServerExit) => void;
  /** Ways to run the server, best first; those for the present account when left out. */
  readonly launchers?: readonly Launcher[];
  /** Server settings beside or in place of the product's own; only a test has any. */
  readonly settings?: Readonly<Record<string, string>>;
}

export const embeddedLimits = {
  initMs: 120_000,
  /** Recovery after a crash replays at most max_wal_size. */
  readyMs: 120_000,
  /** The log is put aside at a start when it is longer. */
  logBytes: 8 * 1024 * 1024,
} as const;

const superuser = "phylax_super";
const databaseName = "phylax";
const pollMs = 10;

function connectionOf(socket: string, password: string): Connection {
  return { host: socket, port: socketPort, user: superuser, password, database: databaseName };
}

/** Makes the data folder, whole or not at all: a start that is cut short begins anew. */
async function initialise({ folders, binaries, launcher, env }: Site): Promise<Result<null>> {
  if (await exists(folders.data)) return ok(null);
  await rm(folders.unfinished, { recursive: true, force: true });
  const words = initdbArguments(folders.unfinished, superuser, folders.password);
  const { code, output } = await runToEnd([binaries.initdb, ...words], {
    launcher,
    env,
    timeoutMs: embeddedLimits.initMs,
  });
  if (code !== 0)
    return refuse("storage-unavailable", { detail: `initdb failed: ${output.trim().slice(-500)}` });
  await rename(folders.unfinished, folders.data);
  await syncFolder(folders.home);
  return ok(null);
}

async function spawnServer(site: Site, own: EmbeddedOptions["settings"]): Promise<ChildProcess> {
  const { folders, binaries, launcher, env, socket } = site;
  const size = await stat(folders.log).then(
    (found) => found.size,
    () => 0,
  );
  if (size > embeddedLimits.logBytes) await rename(folders.log, `${folders.log}.old`);
  const log = await open(folders.log, "a", 0o600);
  const words = [binaries.postgres, ...serverArguments({ data: folders.data, socket, own })];
  const [file = "", ...rest] = [...launcher.prefix, ...words];
  // A session of its own: Ctrl-C reaches us alone, and we end the server after its clients.
  const child = spawn(file, rest, {
    env,
    cwd: "/",
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  await log.close();
  return child;
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null || child.pid === undefined;

async function lastWords(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-3).join(" | ").slice(-500);
}

async function untilReady(child: ChildProcess, site: Site, clock: Clock): Promise<Result<null>> {
  const { data, log } = site.folders;
  const until = clock.monotonicMs() + embeddedLimits.readyMs;
  for (;;) {
    if (hasEnded(child))
      return refuse("storage-unavailable", {
        detail: `PostgreSQL did not start (${log}): ${await lastWords(log)}`,
      });
    const file = await readPostmasterFile(data);
    if (file !== null && file.pid === child.pid && file.status === "ready") return ok(null);
    if (clock.monotonicMs() > until)
      return refuse("storage-unavailable", { detail: `PostgreSQL is not ready; see ${log}.` });
    await sleep(pollMs);
  }
}

async function makeDatabase(connection: Connection): Promise<Result<null>> {
  const client = new Client({ ...connection, database: "postgres" });
  // A connection that dies tells whoever waits for it; without a listener it would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [databaseName]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${databaseName}`);
    return ok(null);
  } catch (error) {
    const code = storageProblem(error);
    if (code === null) throw error;
    return refuse(code, { detail: "PostgreSQL started but cannot be entered." });
  } finally {
    await client.end();
  }
}

function supervised(child: ChildProcess, site: Site, options: EmbeddedOptions): EmbeddedServer {
  const connection = connectionOf(site.socket, site.password);
  let told = false;
  const ended = new Promise<void>((resolve) => {
    const tell = (code: number | null, signal: NodeJS.Signals | null): void => {
      resolve();
      if (!told) options.onExit({ code, signal });
    };
    if (hasEnded(child)) tell(child.exitCode, child.signalCode);
    else child.once("exit", tell);
  });
  return {
    connection,
    runsAs: site.launcher.describe,
    pid: child.pid ?? 0,
    stop: async () => {
      told = true;
      // By our own hand too: the file that names the postmaster may be gone.
      child.kill("SIGINT");
      const gone = await endServerIn(site.folders.data, options.clock);
      if (gone) await ended;
    },
  };
}

/**
 * Brings the server up: sets it up when the home is new, ends what an earlier run left behind,
 * starts it and waits until it answers. The caller must hold the home alone, as any server found
 * at work in it is taken for an orphan. Fails as storage-unavailable; `detail` says what to look at.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Result<EmbeddedServer>> {
  const { data } = foldersIn(options.home);
  if (!(await endServerIn(data, options.clock)))
    return refuse("storage-unavailable", { detail: `A server in ${data} cannot be ended.` });
  const site = await prepareSite(options);
  if (!site.ok) return site;
  const initialised = await initialise(site.value);
  if (!initialised.ok) return initialised;
  // Nobody is at work there, yet PostgreSQL would heed this file if its pid lives on as another program.
  await rm(join(data, "postmaster.pid"), { force: true });
  const child = await spawnServer(site.value, options.settings);
  child.once("error", () => {});
  const ready = await untilReady(child, site.value, options.clock);
  const entered = ready.ok
    ? await makeDatabase(connectionOf(site.value.socket, site.value.password))
    : ready;
  if (entered.ok) return ok(supervised(child, site.value, options));
  await endServerIn(data, options.clock);
  return entered;
}

/** How to enter the server that some process runs in this home; null when none is ready there. */
export async function runningServer(home: string): Promise<Connection | null> {
  const { data, password } = foldersIn(home);
  const [file, secret] = await Promise.all([
    readPostmasterFile(data),
    readFile(password, "utf8").catch(() => ""),
  ]);
  if (file?.status !== "ready" || secret === "") return null;
  const alive = (await processesIn(data)).includes(file.pid);
  return alive ? connectionOf(socketFolder(home, tmpdir()), secret.trim()) : null;
}
