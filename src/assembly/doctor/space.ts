import type { StatsFs } from "node:fs";
import { statfs } from "node:fs/promises";
import { failure, good, warning, type Check, type Patient } from "#assembly/doctor/check.ts";

const name = "Disk space";
const gib = 1024 ** 3;
/** Below this the log soon cannot be written, and then nothing is answered. */
const failBelowBytes = gib;
const warnBelowBytes = 5 * gib;
const warnBelowShare = 0.1;

export type Space = Pick<StatsFs, "bsize" | "blocks" | "bavail">;

export function spaceOf(path: string): Promise<Space> {
  return statfs(path);
}

/** That the home's file system has room for the log and the database to grow. */
export function checkSpace({ home }: Pick<Patient, "home">, space: Space): Check {
  const free = space.bavail * space.bsize;
  const share = space.bavail / Math.max(1, space.blocks);
  const says = `${(free / gib).toFixed(1)} GiB free (${Math.round(share * 100)} %) where ${home.path} lies`;
  const next = "make room or move the home to a larger disk; without room nothing can be logged";
  if (free < failBelowBytes) return failure(name, says, next);
  if (free < warnBelowBytes || share < warnBelowShare) return warning(name, says, next);
  return good(name, says);
}
