import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "#core/clock.ts";

/** How long work goes on before other requests get their turn. */
export const turnMs = 8;

/** Lets others in when the turn is over; cheap to ask often. */
export type Pause = () => Promise<void>;

export function createPause(clock: Pick<Clock, "monotonicMs">): Pause {
  let beganMs = clock.monotonicMs();
  return async () => {
    if (clock.monotonicMs() - beganMs < turnMs) return;
    await nextTurn();
    beganMs = clock.monotonicMs();
  };
}

/** Runs work to its end, letting others in where it yields and its turn is over. */
export async function takeTurns<T>(work: Generator<undefined, T>, pause: Pause): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await pause();
  }
}

/** Runs work to its end at once. */
export function atOnce<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
