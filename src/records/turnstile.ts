import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** Requests inside or waiting; more are turned away at once. */
export const turnstileWaiting = 1_024;

/**
 * Lets requests that share a key through one after the other. All that is written goes through one
 * process's log, so that a turn in memory keeps two of them from acting on the same finding.
 */
export interface Turnstile {
  /**
   * Resolves, with what must be called in the end, when none that came before holds any of the keys.
   * Keys are taken together, so that no two wait for each other. Fails as "overloaded".
   */
  enter(keys: readonly string[]): Promise<Result<() => void>>;
}

export function createTurnstile(): Turnstile {
  const last = new Map<string, Promise<void>>();
  let present = 0;
  return {
    enter: async (keys) => {
      if (present >= turnstileWaiting) return refuse("overloaded");
      present += 1;
      const own = new Set(keys);
      const before = [...own].flatMap((key) => last.get(key) ?? []);
      const { promise, resolve } = Promise.withResolvers<void>();
      for (const key of own) last.set(key, promise);
      let inside = true;
      const leave = (): void => {
        if (!inside) return;
        inside = false;
        present -= 1;
        for (const key of own) if (last.get(key) === promise) last.delete(key);
        resolve();
      };
      await Promise.all(before);
      return ok(leave);
    },
  };
}
