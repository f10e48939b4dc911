import type { ChartDecisionAsked, ChartPair, StandingMerge } from "../../../src/core/wire.ts";
import type { Slice } from "../app/pages.ts";
import { readMerges, readPairs } from "../charts/read.ts";
import type { Session } from "../session/session.ts";
import { done, fail, problemFailure, type Outcome } from "./failure.ts";

/** What an officer asks of charts that may be one person's. */
export interface Charts {
  /** One stretch of the list; `place` is empty for the first. */
  pairs(place: string, signal?: AbortSignal): Promise<Outcome<Slice<ChartPair>>>;
  merges(signal?: AbortSignal): Promise<Outcome<readonly StandingMerge[]>>;
  decide(asked: ChartDecisionAsked): Promise<Outcome<null>>;
}

const pairsPath = "/api/records/possible-duplicates";
const decisionsPath = "/api/records/chart-decisions";
/** Stretches without a pair that one asking goes through. */
const emptyStretches = 20;

export function createCharts({ get, post }: Pick<Session, "get" | "post">): Charts {
  const json = async (path: string, signal?: AbortSignal): Promise<Outcome<unknown>> => {
    const answer = await get(path, signal === undefined ? {} : { signal });
    if (!answer.ok) return answer;
    return done(await answer.value.json().catch(() => null));
  };
  return {
    pairs: async (place, signal) => {
      let after = place;
      for (let stretch = 0; ; stretch += 1) {
        const query = after === "" ? "" : `?${new URLSearchParams({ after }).toString()}`;
        const answer = await json(pairsPath + query, signal);
        if (!answer.ok) return answer;
        const page = readPairs(answer.value);
        if (page === null) return fail(problemFailure("unexpected"));
        const { pairs, next } = page;
        if (pairs.length > 0 || next === null || stretch >= emptyStretches)
          return done({ items: pairs, next });
        after = next;
      }
    },
    merges: async (signal) => {
      const answer = await json(decisionsPath, signal);
      return answer.ok ? done(readMerges(answer.value)) : answer;
    },
    decide: async (asked) => {
      const answer = await post(decisionsPath, asked);
      return answer.ok ? done(null) : answer;
    },
  };
}
