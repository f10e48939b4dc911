import { join } from "node:path";
import { laterBy, parseInstant, type Clock, type Instant } from "#core/clock.ts";
import { parsePseudonym } from "#core/ids.ts";
import type { KeyLogHead } from "#core/key-wire.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { openBrakeHours } from "#keys/brake-hours.ts";
import { readBrakeSettings } from "#keys/brake-settings.ts";
import { brakeLimits, createBrake, type Brake } from "#keys/brake.ts";
import type { RecordUse } from "#keys/desk.ts";
import type { AppendFiles } from "#keys/log-append.ts";
import { openKeyLog, type KeyLogWriter } from "#keys/key-log-writer.ts";
import { readKeyLog } from "#keys/key-log.ts";

export interface KeyGuardDeps {
  /** The keys folder, 0700. */
  readonly folder: string;
  readonly clock: Clock;
  readonly files?: AppendFiles;
  /** What went wrong without harm to a request, by name. */
  readonly onTrouble: (name: string) => void;
}

/** What stands between a request and the ring: the log that it is written to, and the brake. */
export interface KeyGuard {
  readonly record: RecordUse;
  readonly brake: Brake;
  readonly head: () => KeyLogHead;
  close(): Promise<void>;
}

/** An hour of the hardest work that the brake lets through fits into two finished files. */
const recalledFilesMax = 2;
const forever = parseInstant(8.64e15);

/**
 * Opens log and brake of this folder; the brake begins with what the log holds of the last hour.
 * Fails with "audit-unavailable" when the log cannot be opened, and with "home-refused" when the
 * brake's settings are not readable.
 */
export async function openKeyGuard(deps: KeyGuardDeps): Promise<Result<KeyGuard>> {
  const { folder, clock, onTrouble } = deps;
  const settings = await readBrakeSettings(join(folder, "brake.json"));
  if (!settings.ok) return settings;
  const log = await openLog(deps);
  if (!log.ok) return log;
  const hours = await openBrakeHours(join(folder, "brake-hours.json"));
  const brake = createBrake({
    settings: settings.value,
    clock,
    usual: (host) => hours.usual(host),
    onHour: (host, patients) => {
      hours.add(host, patients).catch(() => onTrouble("brake-hours-not-written"));
    },
  });
  await recallHour(folder, clock.now(), brake);
  return ok({
    brake,
    record: (use) => log.value.record(use),
    head: () => log.value.head(),
    close: () => log.value.close(),
  });
}

async function openLog({ folder, clock, files }: KeyGuardDeps): Promise<Result<KeyLogWriter>> {
  try {
    return ok(await openKeyLog({ folder, clock, ...(files === undefined ? {} : { files }) }));
  } catch {
    return refuse("audit-unavailable", { detail: "the key log cannot be opened" });
  }
}

/** Lines from a time that the clock has not reached yet count as new: it was set back since. */
async function recallHour(folder: string, now: Instant, brake: Brake): Promise<void> {
  const from = laterBy(now, -brakeLimits.windowMs);
  const window = { from, to: forever ?? now, finishedFilesMax: recalledFilesMax };
  for await (const { action, at, caller, given } of readKeyLog(folder, window)) {
    if (action !== "unwrap") continue;
    const names = given.map(({ compartment }) => compartment);
    const patients = names.filter((name) => parsePseudonym(name) !== null);
    brake.recall(caller, patients, Math.max(0, now - at));
  }
}
