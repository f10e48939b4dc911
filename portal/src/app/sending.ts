import { useState } from "react";
import type { Failure } from "../api/failure.ts";

type Outcome = { readonly ok: true } | { readonly ok: false; readonly failure: Failure };

/** A form on its way: whether it was tried, is being sent, or failed. */
export interface Sending {
  readonly isTried: boolean;
  readonly isBusy: boolean;
  readonly failure: Failure | null;
  /** Sends unless something is wrong with what was written, or it is being sent already. */
  readonly submit: () => void;
}

export function useSending(
  isRight: boolean,
  { send, sent }: { readonly send: () => Promise<Outcome>; readonly sent: () => void },
): Sending {
  const [isTried, setIsTried] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const submit = async (): Promise<void> => {
    setIsTried(true);
    if (!isRight || isBusy) return;
    setIsBusy(true);
    const outcome = await send();
    setIsBusy(false);
    setFailure(outcome.ok ? null : outcome.failure);
    if (outcome.ok) sent();
  };
  return { isTried, isBusy, failure, submit: () => void submit() };
}
