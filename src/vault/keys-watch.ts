import type { Clock } from "#core/clock.ts";
import type { KeyService } from "#core/key-service.ts";
import { ok, type Result } from "#core/result.ts";

/**
 * "grace": the keys process does not answer, and what is in memory is still used. "gone": that time
 * is over, and nothing opens any more.
 */
export type KeysHealth = "ok" | "grace" | "gone";

export interface KeysWatchDeps {
  readonly keys: KeyService;
  readonly clock: Clock;
  /** How long keys in memory are used after the last answer of the keys process. */
  readonly graceMs: number;
  /** How often it is asked whether it is there. */
  readonly askEveryMs: number;
  /** Told of each change of health. */
  readonly onHealth: (health: KeysHealth) => void;
}

export interface KeysWatch {
  /** The same service; each of its answers tells whether the keys process is there. */
  readonly service: KeyService;
  /** As of this moment: time passes without anyone being told. */
  health(): KeysHealth;
  close(): void;
}

/** So many questions may be late, as when the process is busy, before it means that none is answered. */
const missedQuestions = 3;

/** Watches whether the keys process is there; believes that it was when it is made. */
export function createKeysWatch(deps: KeysWatchDeps): KeysWatch {
  const { keys, clock, graceMs, askEveryMs, onHealth } = deps;
  let answeredAtMs = clock.monotonicMs();
  let isSilent = false;
  let told: KeysHealth = "ok";

  // With next to no grace, the time between two questions must still not count as silence.
  const unaskedMs = Math.max(graceMs, missedQuestions * askEveryMs);
  const health = (): KeysHealth => {
    const sinceMs = clock.monotonicMs() - answeredAtMs;
    if (isSilent) return sinceMs > graceMs ? "gone" : "grace";
    return sinceMs > unaskedMs ? "gone" : "ok";
  };
  const tell = (): void => {
    const now = health();
    if (now === told) return;
    told = now;
    onHealth(now);
  };
  // Asked for nothing, the client answers by itself, whether the process is there or not.
  const notedFor = async <T>(
    asked: readonly unknown[],
    ask: () => Promise<Result<readonly T[]>>,
  ): Promise<Result<readonly T[]>> => (asked.length === 0 ? ok([]) : noted(ask()));
  const noted = async <T>(answering: Promise<Result<T>>): Promise<Result<T>> => {
    const answer = await answering;
    // Every other refusal is an answer, too: the process is there and says no.
    isSilent = !answer.ok && answer.problem.code === "key-unavailable";
    if (!isSilent) answeredAtMs = clock.monotonicMs();
    tell();
    return answer;
  };

  let isAsking = false;
  const askOnce = async (): Promise<void> => {
    tell();
    if (isAsking) return;
    isAsking = true;
    try {
      await noted(keys.status());
    } finally {
      isAsking = false;
    }
  };
  const asking = setInterval(() => void askOnce(), askEveryMs).unref();

  return {
    service: {
      unwrap: (wrapped) => notedFor(wrapped, () => keys.unwrap(wrapped)),
      generate: (tenant, compartments) =>
        notedFor(compartments, () => keys.generate(tenant, compartments)),
      status: () => noted(keys.status()),
    },
    health,
    close: () => clearInterval(asking),
  };
}
