import { setInterval } from "node:timers";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Database } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { endKeyWork, holdsKeyWork, tryKeyWork } from "#vault/key-work-store.ts";

/** The right to change keys, which one command in a deployment has at a time. */
export interface WorkLock {
  /** Fails with "key-work-running" once the lock was lost: another command may be at work already. */
  check(): Result<null>;
  release(): Promise<void>;
}

/** Well below the time after which the pool would end the idle connection that holds the lock. */
const lookEveryMs = 5_000;

/**
 * Takes the lock. It belongs to the one connection of `session`, so that kill -9 frees it and
 * nothing has to be tidied up; the pool is closed with the lock. Fails with "key-work-running" when
 * another command has it.
 */
export async function takeWorkLock(session: Database): Promise<Result<WorkLock>> {
  const taken = await attempt(() => tryKeyWork(session));
  if (!taken.ok || !taken.value) {
    await session.close();
    return taken.ok ? refuse("key-work-running") : taken;
  }
  let held = true;
  const look = async (): Promise<void> => {
    const found = await attempt(() => holdsKeyWork(session));
    held = held && found.ok && found.value;
  };
  const looking = setInterval(() => void look(), lookEveryMs);
  return ok({
    check: () => (held ? ok(null) : refuse("key-work-running")),
    release: async () => {
      clearInterval(looking);
      // One that cannot be given back ends with the session, a moment later.
      await attempt(() => endKeyWork(session));
      await session.close();
    },
  });
}
