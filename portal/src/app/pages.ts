import { useState } from "react";
import type { Failure, Outcome } from "../api/failure.ts";
import { useLoad, type Loaded } from "./load.ts";

/** One page of a longer list; `next` is how to ask for the one after it. */
export interface Slice<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface PagedLoading<T> {
  readonly loaded: Loaded<readonly T[]>;
  readonly again: () => void;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  /** Why the last attempt at more failed; what was there before stays. */
  readonly moreFailure: Failure | null;
  readonly more: () => void;
}

type Fetch<T> = (place: string, signal?: AbortSignal) => Promise<Outcome<Slice<T>>>;

interface Rest<T> extends Slice<T> {
  readonly of: Slice<T>;
}

/** A list that grows page by page, from `first` on. */
export function usePages<T>(first: string, fetchSlice: Fetch<T>): PagedLoading<T> {
  const { loaded, again } = useLoad(first, (signal) => fetchSlice(first, signal));
  const [rest, setRest] = useState<Rest<T> | null>(null);
  const [isLoadingMore, setIsLoadingMore] = useState(false);
  const [moreFailure, setMoreFailure] = useState<Failure | null>(null);

  const start = loaded.state === "ready" ? loaded.value : null;
  // What was added belongs to one first page: when that is loaded anew, the rest is dropped.
  const added = rest !== null && rest.of === start ? rest : null;
  const next = added === null ? (start?.next ?? null) : added.next;

  const more = async (): Promise<void> => {
    if (next === null || start === null || isLoadingMore) return;
    setIsLoadingMore(true);
    const outcome = await fetchSlice(next);
    setIsLoadingMore(false);
    setMoreFailure(outcome.ok ? null : outcome.failure);
    if (!outcome.ok) return;
    const items = [...(added?.items ?? []), ...outcome.value.items];
    setRest({ of: start, items, next: outcome.value.next });
  };
  return {
    loaded:
      loaded.state === "ready"
        ? { state: "ready", value: [...loaded.value.items, ...(added?.items ?? [])] }
        : loaded,
    again,
    hasMore: next !== null,
    isLoadingMore,
    moreFailure,
    more: () => void more(),
  };
}
