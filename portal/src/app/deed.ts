import { useState } from "react";
import type { Failure, Outcome } from "../api/failure.ts";

/** Something that a press of a button does: whether it is under way, or failed. */
export interface Deed {
  readonly isBusy: boolean;
  readonly failure: Failure | null;
  /** Does nothing while the last one is under way. */
  readonly run: <T>(work: () => Promise<Outcome<T>>, then: (value: T) => void) => void;
}

export function useDeed(): Deed {
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const run = async <T>(
    work: () => Promise<Outcome<T>>,
    then: (value: T) => void,
  ): Promise<void> => {
    if (isBusy) return;
    setIsBusy(true);
    setFailure(null);
    const outcome = await work();
    setIsBusy(false);
    if (outcome.ok) then(outcome.value);
    else setFailure(outcome.failure);
  };
  return { isBusy, failure, run: (work, then) => void run(work, then) };
}
