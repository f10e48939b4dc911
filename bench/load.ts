/** What a load of a fixed number of clients reached. */
export interface Reached {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Runs `clients` loops that each ask anew as soon as they were answered, for `seconds`, after a
 * warm-up of a fifth of that. A failed ask throws: a bench of refusals measures nothing.
 */
export async function load(
  clients: number,
  seconds: number,
  ask: () => Promise<void>,
): Promise<Reached> {
  const until = async (end: number, note: (ms: number) => void): Promise<void> => {
    for (let now = performance.now(); now < end;) {
      await ask();
      const done = performance.now();
      note(done - now);
      now = done;
    }
  };
  const all = (end: number, note: (ms: number) => void): Promise<unknown> =>
    Promise.all(Array.from({ length: clients }, () => until(end, note)));
  await all(performance.now() + seconds * 200, () => {});
  const took: number[] = [];
  const startedAt = performance.now();
  await all(startedAt + seconds * 1_000, (ms) => took.push(ms));
  const elapsedMs = performance.now() - startedAt;
  took.sort((a, b) => a - b);
  const at = (share: number): number =>
    took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN;
  return { perSecond: (took.length / elapsedMs) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99) };
}
