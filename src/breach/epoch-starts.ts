import type { Instant } from "#core/clock.ts";

/** That an epoch had not begun before this time. */
export interface EpochStart {
  readonly epoch: number;
  readonly at: Instant;
}

/**
 * When an epoch began at the earliest; negative infinity when nothing tells. Of one that is gone
 * from the ring and in no record it is only known that those before it began earlier.
 */
export function createEpochStarts(known: readonly EpochStart[]): (epoch: number) => number {
  const starts = new Map<number, number>();
  for (const { epoch, at } of known)
    starts.set(epoch, Math.min(at, starts.get(epoch) ?? Number.POSITIVE_INFINITY));
  const rising = [...starts].sort(([a], [b]) => a - b);
  return (epoch) => {
    const before = rising.filter(([other]) => other <= epoch);
    return before.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY;
  };
}
