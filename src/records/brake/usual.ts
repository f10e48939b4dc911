import type { Clock } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { PersonRole } from "#core/policy-request.ts";
import { readHours, readUsual, writeUsual } from "#records/brake/shown-store.ts";
import type { Queryable } from "#storage/database.ts";

export const usualLimits = {
  /** Hours of work that must be known before anything is called usual: about three days. */
  hours: 24,
  /** Fewer charts than this in an hour surprise nobody, whoever is used to less. */
  least: 30,
  learnAgainMs: 24 * 60 * 60_000,
} as const;

const share = 0.9;
const multiple = 3;

/**
 * Three times the hour that nine of ten of her hours stay below; null while too few are known. A
 * wild hour, or one in ten, moves it hardly: who wants much cannot quickly teach that much is usual.
 */
export function usualOf(hours: readonly number[]): number | null {
  if (hours.length < usualLimits.hours) return null;
  const rising = [...hours].sort((a, b) => a - b);
  const high = rising[Math.floor((rising.length - 1) * share)] ?? 0;
  return Math.max(usualLimits.least, multiple * high);
}

export interface Usual {
  /** Charts in an hour, of her own hours or else of her role's; null while neither is known. */
  of(account: AccountId, role: PersonRole): Promise<number | null>;
  /** Resolves when nothing is being learned. */
  settled(): Promise<void>;
}

/** Reads what is known, and learns anew, behind, what is older than a day: one person at a time. */
export function createUsual({
  db,
  clock,
  onFault,
}: {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}): Usual {
  let learning: Promise<void> = Promise.resolve();
  const learn = async (account: AccountId, role: PersonRole): Promise<void> => {
    const at = clock.now();
    const charts = usualOf(await readHours(db, account, at));
    await writeUsual(db, { account, role, charts, at });
  };
  return {
    settled: () => learning,
    of: async (account, role) => {
      const { charts, learnedAt, ofRole } = await readUsual(db, account, role);
      if (learnedAt === null || clock.now() - learnedAt >= usualLimits.learnAgainMs)
        learning = learning.then(() => learn(account, role)).catch(onFault);
      return charts ?? ofRole;
    },
  };
}
