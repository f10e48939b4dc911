/** Runs the work when there is room; null, and the work is not run, when too many wait already. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T | null>;

/** Lets `atOnce` run and `waiting` wait in line. */
export function createGate({ atOnce, waiting }: { atOnce: number; waiting: number }): Gate {
  const line: (() => void)[] = [];
  let running = 0;
  const leave = (): void => {
    const next = line.shift();
    if (next === undefined) running -= 1;
    else next();
  };
  return async (work) => {
    if (running < atOnce) running += 1;
    else if (line.length >= waiting) return null;
    // Whoever leaves hands its place on, so `running` stays as it is.
    else await new Promise<void>((resolve) => void line.push(resolve));
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
