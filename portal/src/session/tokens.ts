import { done, fail, type Outcome } from "../api/failure.ts";
import type { Protocol, Tokens } from "./oauth.ts";

/** Holds the tokens of one session in memory; they are never written down. */
export interface TokenKeeper {
  hold(tokens: Tokens): void;
  drop(): void;
  /** A token that is good for a while yet; refreshed first when it is not. */
  current(): Promise<Outcome<string>>;
  /** A fresh one, when the server says that the last is no good. */
  renewed(): Promise<Outcome<string>>;
}

/** A token nearer to its end than this is refreshed before it is used. */
const refreshBeforeMs = 30_000;

export function createTokenKeeper(
  refresh: Protocol["refresh"],
  monotonicMs: () => number,
): TokenKeeper {
  let held: Tokens | null = null;
  let underWay: Promise<Outcome<string>> | null = null;

  const renew = async (): Promise<Outcome<string>> => {
    const before = held;
    if (before === null || before.refresh === null) return fail({ kind: "signed-out" });
    const answer = await refresh(before.refresh);
    // A sign-out meanwhile must not be undone by a late answer.
    if (held !== before) return fail({ kind: "signed-out" });
    if (!answer.ok) return answer;
    held = { ...answer.value, refresh: answer.value.refresh ?? before.refresh };
    return done(held.access);
  };
  // A refresh token is good for one use: requests at the same time share one refresh.
  const renewed = (): Promise<Outcome<string>> => {
    underWay ??= renew().finally(() => {
      underWay = null;
    });
    return underWay;
  };
  return {
    hold: (tokens) => {
      held = tokens;
    },
    drop: () => {
      held = null;
    },
    current: async () => {
      if (held === null) return fail({ kind: "signed-out" });
      const isGood = held.endsAtMs - monotonicMs() > refreshBeforeMs;
      return isGood ? done(held.access) : renewed();
    },
    renewed,
  };
}
