import { brakeLimits, type Bounds, type Measure } from "#records/brake/bounds.ts";
import type { Showing, Tally } from "#records/brake/tally.ts";

export type BrakeVerdict =
  | { readonly kind: "free" }
  | { readonly kind: "slow"; readonly waitMs: number }
  | { readonly kind: "stop"; readonly measure: Measure; readonly untilMs: number };

const free: BrakeVerdict = { kind: "free" };
const measures: readonly Measure[] = ["charts", "listed", "records"];

/** The wait grows from the least to the most on the way from slow to stop. */
function waitFor(count: number, { slow, stop }: Bounds[Measure]): number {
  const { least, most } = brakeLimits.waitMs;
  const way = stop > slow ? (count - slow) / (stop - slow) : 1;
  return Math.round(least + (most - least) * Math.min(1, way));
}

/**
 * What is to be done with an answer that would show this. Patients who were shown within the hour
 * already never stop it: only a further one can.
 */
export function verdictOf(
  tally: Tally,
  bounds: Bounds,
  showing: Showing,
  now: number,
): BrakeVerdict {
  const counts = tally.countsWith(showing, now);
  const nothing = { charts: [], listed: [], records: 0 };
  let waitMs = 0;
  for (const measure of measures) {
    const bound = bounds[measure];
    const count = counts[measure];
    if (count <= bound.slow) continue;
    if (count > bound.stop && count > tally.countsWith(nothing, now)[measure])
      return { kind: "stop", measure, untilMs: tally.untilLess(measure, now) };
    waitMs = Math.max(waitMs, waitFor(count, bound));
  }
  return waitMs === 0 ? free : { kind: "slow", waitMs };
}
