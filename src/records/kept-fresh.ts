import type { Clock } from "#core/clock.ts";
import { limits } from "#core/limits.ts";

export const keptFreshLimits = {
  /** How long a caller waits for a fresher reading before it is refused. */
  waitMs: 500,
} as const;

/** A copy in memory of what others change, read again every limits.liveRefreshMs. */
export interface KeptFresh {
  /** Joins the reading under way or begins one, and waits for it keptFreshLimits.waitMs at most. */
  refresh(): Promise<void>;
  /** Reads, without a limit, what was committed before the call. */
  catchUp(): Promise<void>;
  /** Whether the newest complete reading began longer ago than limits.liveStaleMs. */
  isStale(): boolean;
  close(): void;
}

function waitAtMost(work: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Keeps reading; a reading that throws changes nothing but the age. Resolves after the first attempt. */
export async function keepFresh(read: () => Promise<void>, clock: Clock): Promise<KeptFresh> {
  let freshAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | null = null;
  const readOnce = async (): Promise<void> => {
    const beganMs = clock.monotonicMs();
    await read();
    freshAtMs = beganMs;
  };
  const begin = (): Promise<void> => {
    // One that failed leaves freshAtMs behind, and with it every caller outside.
    underWay ??= readOnce()
      .catch(() => {})
      .finally(() => {
        underWay = null;
      });
    return underWay;
  };
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const again = (): void => {
    if (closed) return;
    timer = setTimeout(() => void begin().then(again), limits.liveRefreshMs);
    timer.unref();
  };
  const refresh = (): Promise<void> => waitAtMost(begin(), keptFreshLimits.waitMs);
  await refresh();
  again();
  return {
    refresh,
    catchUp: async () => {
      await underWay;
      await begin();
    },
    isStale: () => clock.monotonicMs() - freshAtMs > limits.liveStaleMs,
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}
