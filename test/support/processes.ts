import { readdirSync, readFileSync } from "node:fs";

/** Whether the process runs; a zombie still takes signals, but it is no process any more. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Every other process whose command line or environment names this home. */
export function processesOf(home: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && belongsTo(pid, home) && isAlive(pid));
}

function belongsTo(pid: number, home: string): boolean {
  try {
    return ["cmdline", "environ"].some((file) =>
      readFileSync(`/proc/${pid}/${file}`, "utf8").includes(home),
    );
  } catch {
    return false;
  }
}

/** Memory of all processes of a home in MB, shared pages counted once (proportional set size). */
export function memoryMb(home: string): number {
  const pssKb = (pid: number): number =>
    Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  return processesOf(home).reduce((sum, pid) => sum + pssKb(pid), 0) / 1_024;
}

/** The process of one role of a home; undefined when none runs. */
export function pidOf(home: string, role: string): number | undefined {
  return processesOf(home).find((each) =>
    readFileSync(`/proc/${each}/cmdline`, "utf8").includes(`--role\0${role}`),
  );
}

/** One line of what the kernel says of a role's process, in MB; NaN when it does not run. */
function statusMb(home: string, role: string, line: "VmHWM" | "VmRSS"): number {
  const pid = pidOf(home, role);
  if (pid === undefined) return Number.NaN;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${line}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1_024;
}

/** The most memory that one role's process of a home ever had resident, in MB. */
export const peakMemoryMb = (home: string, role: string): number => statusMb(home, role, "VmHWM");

/** The memory that one role's process of a home has resident now, in MB. */
export const residentMemoryMb = (home: string, role: string): number =>
  statusMb(home, role, "VmRSS");
