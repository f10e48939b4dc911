import { chown, open, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { launchersFor, runToEnd, type Launcher } from "#storage/server-account.ts";
import { findBinaries, linkLibraries, type ServerBinaries } from "#storage/server-binaries.ts";
import {
  foldersIn,
  giveTo,
  privateFolder,
  socketFolder,
  type ServerFolders,
} from "#storage/server-folders.ts";

/** All that is settled before a server is started: programs, folders, account, password. */
export interface Site {
  readonly binaries: ServerBinaries;
  readonly folders: ServerFolders;
  readonly socket: string;
  readonly launcher: Launcher;
  readonly env: NodeJS.ProcessEnv;
  readonly password: string;
}

type Ground = Omit<Site, "launcher" | "password">;

const probeMs = 10_000;

/** A clean environment: PG… variables and the like of the caller must not reach the server. */
const cleanEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
} as const;

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Makes names in a folder last through a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Reads the superuser's password, or makes one when the server was never set up. */
async function superuserPassword(ground: Ground, launcher: Launcher, random: Random) {
  const { password: path, data } = ground.folders;
  const known = (await readFile(path, "utf8").catch(() => "")).trim();
  if (known === "" && (await exists(data)))
    return refuse("storage-unavailable", {
      detail: `${path} is lost; the server cannot be entered.`,
    });
  if (known !== "") return ok(known);
  const made = random.bytes(32).toString("base64url");
  // On disk before the server is: without it nobody enters what a power cut left behind.
  await writeFile(path, `${made}\n`, { mode: 0o600, flush: true });
  if (launcher.owner !== null) await chown(path, launcher.owner.uid, launcher.owner.gid);
  await syncFolder(ground.folders.home);
  return ok(made);
}

/** The first launcher that can run the program and write in the folder it will own. */
async function chooseLauncher(
  launchers: readonly Launcher[],
  { folders, env, binaries, socket }: Ground,
): Promise<Result<Launcher>> {
  const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const findings: string[] = [];
  for (const launcher of launchers) {
    await giveTo(folders.home, launcher.owner ?? self);
    await giveTo(socket, launcher.owner ?? self);
    const probe = ["sh", "-c", '"$0" --version && test -w "$1"', binaries.postgres, folders.home];
    const { code, output } = await runToEnd(probe, { launcher, env, timeoutMs: probeMs });
    if (code === 0) return ok(launcher);
    findings.push(`${launcher.describe}: ${output.trim().slice(0, 200)}`);
  }
  const detail = `PostgreSQL can be run under no account. ${findings.join("; ")}`;
  return refuse("storage-unavailable", { detail });
}

export interface SiteOptions {
  readonly home: string;
  readonly random: Random;
  /** Ways to run the server, best first; those for the present account when left out. */
  readonly launchers?: readonly Launcher[];
}

/** Makes or checks the folders and chooses who runs the server. Fails as storage-unavailable, saying why. */
export async function prepareSite(options: SiteOptions): Promise<Result<Site>> {
  const binaries = findBinaries(process.platform, process.arch);
  if (binaries === null)
    return refuse("storage-unavailable", {
      detail: `There is no embedded PostgreSQL for ${process.platform}-${process.arch}; set DATABASE_URL.`,
    });
  const uid = process.getuid?.() ?? 0;
  const launchers = options.launchers ?? (await launchersFor(uid));
  const trusted = [uid, ...launchers.flatMap(({ owner }) => (owner === null ? [] : [owner.uid]))];
  const folders = foldersIn(options.home);
  const home = await privateFolder(folders.home, trusted);
  if (!home.ok) return home;
  const socket = await privateFolder(socketFolder(folders.home, tmpdir()), trusted);
  if (!socket.ok) return socket;
  await linkLibraries(binaries, folders.libraries);
  // A library found through a link looks for its own beside the link, so both folders are named.
  const libraries = `${folders.libraries}:${join(binaries.root, "lib")}`;
  const env = { ...cleanEnvironment, LD_LIBRARY_PATH: libraries };
  const ground = { binaries, folders, socket: socket.value, env };
  const launcher = await chooseLauncher(launchers, ground);
  if (!launcher.ok) return launcher;
  const password = await superuserPassword(ground, launcher.value, options.random);
  if (!password.ok) return password;
  return ok({ ...ground, launcher: launcher.value, password: password.value });
}
