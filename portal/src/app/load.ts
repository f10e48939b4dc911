import { useCallback, useEffect, useRef, useState } from "react";
import type { Failure, Outcome } from "../api/failure.ts";

export type Loaded<T> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "failed"; readonly failure: Failure };

export interface Loading<T> {
  readonly loaded: Loaded<T>;
  readonly again: () => void;
}

const loading = { state: "loading" } as const;

/** Loads anew whenever `key` changes; the answer to an older key is dropped. */
export function useLoad<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<Outcome<T>>,
): Loading<T> {
  const [turn, setTurn] = useState(0);
  const [answer, setAnswer] = useState<{ id: string; loaded: Loaded<T> } | null>(null);
  const latest = useRef(load);
  latest.current = load;
  const id = `${turn} ${key}`;
  useEffect(() => {
    const stop = new AbortController();
    const run = async (): Promise<void> => {
      const outcome = await latest.current(stop.signal);
      if (stop.signal.aborted) return;
      const loaded: Loaded<T> = outcome.ok
        ? { state: "ready", value: outcome.value }
        : { state: "failed", failure: outcome.failure };
      setAnswer({ id, loaded });
    };
    void run();
    return () => stop.abort();
  }, [id]);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  return { loaded: answer?.id === id ? answer.loaded : loading, again };
}
