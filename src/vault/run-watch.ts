import { systemClock, type Clock } from "#core/clock.ts";

export interface RunWatchDeps {
  readonly clock: Clock;
  /** Number of this process, asked anew each time: a fork has another. */
  readonly pid: () => number;
}

/** This process, as it really is. */
export const systemRun: RunWatchDeps = { clock: systemClock, pid: () => process.pid };

/** Slewing moves the clocks apart by at most half a millisecond a second; a jump is more. */
export const clockJumpMs = 1_000;

/**
 * Tells whether memory has one owner since it was last asked: false once after each fork (another
 * process number) and each resumption from a snapshot or a long sleep (the wall clock went on or
 * back against the monotonic one, which stands still meanwhile). A clock that is merely set looks
 * the same. A snapshot resumed within a second of being taken is not seen.
 */
export function createRunWatch({ clock, pid }: RunWatchDeps): () => boolean {
  const offset = (): number => clock.now() - clock.monotonicMs();
  let owner = pid();
  let apart = offset();
  return () => {
    const [ownerNow, apartNow] = [pid(), offset()];
    const isSame = ownerNow === owner && Math.abs(apartNow - apart) <= clockJumpMs;
    owner = ownerNow;
    apart = apartNow;
    return isSame;
  };
}
