import { done, fail, failureOf, failureOfThrown, problemFailure, type Outcome } from "./failure.ts";

/** Asks as nobody in particular: for the pages before a sign-in. */
export async function ask(
  method: "GET" | "POST",
  path: string,
  body?: object,
): Promise<Outcome<unknown>> {
  try {
    const response = await fetch(path, {
      method,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) return fail(await failureOf(response));
    const answer: unknown = response.status === 204 ? null : await response.json();
    return done(answer);
  } catch (error) {
    return fail(failureOfThrown(error));
  }
}

export function expected<T>(value: T | null): Outcome<T> {
  return value === null ? fail(problemFailure("unexpected")) : done(value);
}
