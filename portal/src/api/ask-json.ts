import type { Session } from "../session/session.ts";
import { done, fail, problemFailure, type Outcome } from "./failure.ts";

export type Asking = Pick<Session, "get" | "post" | "send">;

/** Requests of a signed-in person that carry and bring JSON. */
export interface AskJson {
  readonly get: <T>(
    path: string,
    read: (body: unknown) => T | null,
    signal?: AbortSignal,
  ) => Promise<Outcome<T>>;
  readonly post: <T>(
    path: string,
    body: object,
    read: (body: unknown) => T | null,
  ) => Promise<Outcome<T>>;
  /** The answer is good for nothing but that it was done. */
  readonly send: (
    method: "PATCH" | "DELETE",
    path: string,
    body?: object,
  ) => Promise<Outcome<null>>;
}

/** For an answer that says no more than that it was done. */
export const isDone = (): true => true;

async function parsed<T>(
  answer: Outcome<Response>,
  read: (body: unknown) => T | null,
): Promise<Outcome<T>> {
  if (!answer.ok) return answer;
  const value = read(await answer.value.json().catch(() => null));
  return value === null ? fail(problemFailure("unexpected")) : done(value);
}

export function createAskJson({ get, post, send }: Asking): AskJson {
  return {
    get: async (path, read, signal) =>
      parsed(await get(path, signal === undefined ? {} : { signal }), read),
    post: async (path, body, read) => parsed(await post(path, body), read),
    send: async (method, path, body) => {
      const answer = await send(method, path, body);
      return answer.ok ? done(null) : answer;
    },
  };
}
