import type { Outcome } from "../api/failure.ts";

/** An answer that is asked for before it is needed. */
export interface Ahead<T> {
  readonly prepare: () => void;
  /** What was prepared, once and while it is good; else what is asked for now. */
  readonly take: () => Promise<Outcome<T>>;
}

/** `goodForMs` on the clock `nowMs`, from the moment of asking. */
export function createAhead<T>(
  ask: () => Promise<Outcome<T>>,
  { goodForMs, nowMs }: { readonly goodForMs: number; readonly nowMs: () => number },
): Ahead<T> {
  let prepared: { readonly answer: Promise<Outcome<T>>; readonly endsAtMs: number } | null = null;
  return {
    prepare: () => {
      prepared = { answer: ask(), endsAtMs: nowMs() + goodForMs };
    },
    take: async () => {
      const ready = prepared;
      prepared = null;
      if (ready === null || nowMs() >= ready.endsAtMs) return ask();
      const answer = await ready.answer;
      // What failed a while ago may go well by now, and only now somebody waits for it.
      return answer.ok ? answer : ask();
    },
  };
}
