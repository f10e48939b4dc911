import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "#core/clock.ts";

const pollMs = 20;

/** What the kernel adds to the name of a folder that was removed under a process (proc(5)). */
const removed = / \(deleted\)$/;

async function workingFolder(pid: string): Promise<string | null> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)).replace(removed, "");
  } catch {
    // Ended meanwhile, or another account's, which cannot be at work in a 0700 folder of ours.
    return null;
  }
}

/**
 * The processes at work in a data folder. Every PostgreSQL process has it as working folder, which
 * a process that merely got an old process id does not, and which shows also backends whose
 * postmaster was killed.
 */
export async function processesIn(dataFolder: string): Promise<readonly number[]> {
  const folder = await realpath(dataFolder).catch(() => dataFolder);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(pids.map(workingFolder));
  return pids.flatMap((pid, index) => (folders[index] === folder ? [Number(pid)] : []));
}

export interface PostmasterFile {
  readonly pid: number;
  /** What the server says of itself: starting, ready, stopping, standby. */
  readonly status: string;
}

/** Reads postmaster.pid (storage/miscinit of PostgreSQL: line 1 pid, line 8 status); null when absent or unfinished. */
export async function readPostmasterFile(dataFolder: string): Promise<PostmasterFile | null> {
  const text = await readFile(join(dataFolder, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  const status = lines[7]?.trim() ?? "";
  return Number.isInteger(pid) && pid > 0 && status !== "" ? { pid, status } : null;
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended by itself.
    }
  }
}

/** True when every process left the folder within the time. */
async function leftWithin(dataFolder: string, ms: number, clock: Clock): Promise<boolean> {
  const until = clock.monotonicMs() + ms;
  while ((await processesIn(dataFolder)).length > 0) {
    if (clock.monotonicMs() > until) return false;
    await sleep(pollMs);
  }
  return true;
}

export const endingLimits = { fastMs: 20_000, immediateMs: 5_000, killMs: 2_000 } as const;

/**
 * Ends whatever server is at work in the folder: fast shutdown (clients are cut off, a checkpoint
 * is written), then immediate, then by force. Answers false when even that did not help.
 */
export async function endServerIn(dataFolder: string, clock: Clock): Promise<boolean> {
  const pids = await processesIn(dataFolder);
  if (pids.length === 0) return true;
  const postmaster = await readPostmasterFile(dataFolder);
  // Without a postmaster the backends alone cannot shut down in order.
  if (postmaster !== null && pids.includes(postmaster.pid)) {
    signal([postmaster.pid], "SIGINT");
    if (await leftWithin(dataFolder, endingLimits.fastMs, clock)) return true;
  }
  signal(await processesIn(dataFolder), "SIGQUIT");
  if (await leftWithin(dataFolder, endingLimits.immediateMs, clock)) return true;
  signal(await processesIn(dataFolder), "SIGKILL");
  return leftWithin(dataFolder, endingLimits.killMs, clock);
}
