import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import type { EpochStart } from "#breach/epoch-starts.ts";
import type { ExposureDeps } from "#breach/exposure.ts";
import { exposureLimits } from "#breach/limits.ts";
import { parseInstant, systemClock } from "#core/clock.ts";
import { invariant } from "#core/result.ts";
import { readKeyLog } from "#keys/key-log.ts";
import { parseRingFile } from "#keys/ring-file.ts";
import type { Queryable } from "#storage/database.ts";
import type { Home, Settings } from "#assembly/home.ts";

/** How the keys process names whoever calls it on its own machine. */
export const ownHost = "local";

/** Whether a person means the machine that the keys process runs on. */
export const isOwnHost = (name: string): boolean => name === ownHost || name === hostname();

/** The folder of the key ring and of the keys process's own log. */
export const keysFolder = (home: Home): string => home.file("keys");

/** The epochs of the ring, whose numbers and dates lie in the clear; none when the ring is elsewhere. */
function ringEpochs(home: Home): readonly EpochStart[] {
  const path = home.file("keys", "key-ring.json");
  const ring = existsSync(path) ? parseRingFile(readFileSync(path, "utf8")) : null;
  return (ring?.contents.epochs ?? []).map(({ epoch, createdAt }) => ({ epoch, at: createdAt }));
}

/** The hosts and roles that the keys process was ever asked by, as `role@host`. */
export async function callersOnRecord(home: Home): Promise<readonly string[]> {
  const from = parseInstant(-8.64e15);
  const to = parseInstant(8.64e15);
  invariant(from !== null && to !== null, "the bounds of time are times");
  const callers = new Set<string>();
  for await (const { caller } of readKeyLog(keysFolder(home), { from, to }))
    callers.add(`${caller.role}@${caller.host}`);
  return [...callers].sort();
}

/** What an exposure question is answered from, on the machine of this home. */
export function exposureDeps(
  home: Home,
  { tenant }: Settings,
  db: Queryable,
): Omit<ExposureDeps, "onProgress" | "onUnreadable"> {
  return {
    db,
    keyLog: (window) => readKeyLog(keysFolder(home), window),
    // All processes of a home run on its machine, so whoever wrote one of its logs did.
    hostOf: (origin) => (origin.startsWith(`phylax/${tenant}/`) ? ownHost : null),
    epochs: ringEpochs(home),
    residenceMs: exposureLimits.residenceMs,
    clock: systemClock,
    scratch: dirname(home.file("scratch", "part")),
  };
}
