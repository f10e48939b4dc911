import type { Clock, Instant } from "#core/clock.ts";
import type { GatewayEvent, RefusalCount } from "./events.ts";

export interface Tally {
  add(route: string | null, reason: RefusalCount["reason"]): void;
  /** Reports what was counted since the last report; silent when that is nothing. */
  report(): void;
}

/** Counts refusals by route and reason. Bounded, as both come from closed sets. */
export function createTally(clock: Clock, event: (event: GatewayEvent) => void): Tally {
  let from: Instant = clock.now();
  let counts = new Map<
    string,
    { route: string | null; reason: RefusalCount["reason"]; count: number }
  >();
  return {
    add(route, reason) {
      const key = `${reason} ${route ?? ""}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { route, reason, count: 1 });
      else known.count += 1;
    },
    report() {
      const to = clock.now();
      if (counts.size > 0) event({ kind: "refusals", from, to, counts: [...counts.values()] });
      counts = new Map();
      from = to;
    },
  };
}
