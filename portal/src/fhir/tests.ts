import { newestFirst, parseDate } from "../dates/order.ts";
import type { Observed, Part } from "./observation.ts";

/** Every observation of one test, newest first. */
export interface TestHistory {
  readonly test: string;
  readonly name: string;
  readonly latest: Observed;
  readonly all: readonly Observed[];
}

/** A line of the chart: one measured thing over time, oldest first. */
export interface Series {
  readonly key: string;
  readonly name: string;
  readonly unit: string | null;
  readonly points: readonly { readonly at: number; readonly value: number }[];
  /** The newest range that was given with it. */
  readonly range: Part["range"];
}

/** Groups by test, the test with the newest value first; tests that need a look before the others. */
export function groupByTest(observed: readonly Observed[]): readonly TestHistory[] {
  const groups = Map.groupBy(
    newestFirst(observed, ({ at }) => at),
    ({ test }) => test,
  );
  const histories = [...groups].flatMap(([test, all]) => {
    const latest = all[0];
    return latest === undefined ? [] : [{ test, name: latest.name, latest, all }];
  });
  return histories.toSorted((a, b) => Number(needsALook(b.latest)) - Number(needsALook(a.latest)));
}

/** Whether a part of it lies outside of what is usual. */
export function needsALook(observed: Observed): boolean {
  return observed.parts.some(({ standing }) => standing !== "in-range" && standing !== "unknown");
}

/**
 * The chartable lines of a test. Values of another unit than the newest are left out, as one axis
 * cannot hold both; a line needs two points.
 */
export function seriesOf(history: TestHistory): readonly Series[] {
  const keys = new Set(history.all.flatMap(({ parts }) => parts.map(({ key }) => key)));
  return [...keys].flatMap((key) => {
    const found = history.all.flatMap((observed) => {
      const part = observed.parts.find((one) => one.key === key);
      const at = parseDate(observed.at);
      return part?.value.kind === "quantity" && at !== null
        ? [{ at, part, value: part.value }]
        : [];
    });
    const newest = found[0];
    if (newest === undefined) return [];
    const { unit } = newest.value;
    const points = found
      .filter(({ value }) => value.unit === unit && value.comparator === null)
      .map(({ at, value }) => ({ at, value: value.value }))
      .toReversed();
    const range = found.find(({ part }) => part.range !== null)?.part.range ?? null;
    return points.length < 2 ? [] : [{ key, name: newest.part.name, unit, points, range }];
  });
}
