import { toIso, type Instant } from "#core/clock.ts";
import type { Result } from "#core/result.ts";
import { failure, good, warning, type Check, type Patient } from "#assembly/doctor/check.ts";
import type { ServerFacts } from "#assembly/doctor/settings-store.ts";

const name = "Clock";
/** One-time codes and tokens bear a few seconds; a minute shuts people out. */
const warnBeyondMs = 2_000;
const failBeyondMs = 60_000;
const setClock = "set the clock and keep it by NTP (chrony or systemd-timesyncd)";

/** That the clock has not gone back behind what was written, and agrees with the database's. */
export function checkClock(
  { clock }: Pick<Patient, "clock">,
  newest: Instant | null,
  facts: Result<ServerFacts | null>,
): Check {
  const now = clock.now();
  if (newest !== null && now < newest)
    return failure(
      name,
      `it says ${toIso(now)}, yet the newest key epoch was made at ${toIso(newest)}`,
      `${setClock}; entries of the log that were written meanwhile have wrong times`,
    );
  const ahead = facts.ok ? (facts.value?.aheadMs ?? Number.NaN) : Number.NaN;
  if (Number.isNaN(ahead)) return good(name, toIso(now));
  const apart = Math.abs(ahead);
  const says = `${toIso(now)}, ${(apart / 1_000).toFixed(1)} s from the database's clock`;
  if (apart > failBeyondMs) return failure(name, says, setClock);
  if (apart > warnBeyondMs) return warning(name, says, setClock);
  return good(name, says);
}
