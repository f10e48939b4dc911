import type { Dispatcher } from "undici";
import { parseProblemCode, refuse, type Problem, type ProblemCode } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { jsonOf } from "#keys/shape.ts";

export interface Question {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
}

/** An answer other than 200; `code` is null unless its problem details name one of ours. */
export interface Refusal {
  readonly status: number;
  readonly code: ProblemCode | null;
  readonly body: unknown;
}

export interface Asking<T> {
  /** From asking to the last byte of the answer, a second try included. */
  readonly answerMs: number;
  readonly answerBytes: number;
  /** Null for what has not the form of an answer. */
  readonly parse: (value: unknown) => T | null;
  readonly refusalOf: (refusal: Refusal) => Problem;
  /** Asks again over a new connection when the old one was lost under the question. */
  readonly once?: boolean;
}

export const askingLimits = { tries: 2 } as const;

export const get = (path: string): Question => ({ method: "GET", path });
export const post = (path: string, body: unknown): Question => ({
  method: "POST",
  path,
  body: JSON.stringify(body),
});

export const unavailable = (detail: string): ReturnType<typeof refuse> =>
  refuse("key-unavailable", { detail });

/** Asks for at most `size` at a time and stops at the first failure. */
export async function inBatches<A, B>(
  all: readonly A[],
  size: number,
  one: (batch: readonly A[]) => Promise<Result<readonly B[]>>,
): Promise<Result<readonly B[]>> {
  const answers: B[] = [];
  for (let from = 0; from < all.length; from += size) {
    const answer = await one(all.slice(from, from + size));
    if (!answer.ok) return answer;
    for (const item of answer.value) answers.push(item);
  }
  return ok(answers);
}

/** Asks the keys process. Fails with "key-unavailable" unless it answers in time and in form. */
export async function ask<T>(
  dispatcher: Dispatcher,
  question: Question,
  asking: Asking<T>,
): Promise<Result<T>> {
  const signal = AbortSignal.timeout(asking.answerMs);
  const tries = asking.once === true ? 1 : askingLimits.tries;
  for (let left = tries - 1; ; left -= 1) {
    try {
      return await askOnce(dispatcher, question, asking, signal);
    } catch (error) {
      // A pooled connection may have ended between two questions. Keys may be asked for twice:
      // those made for an answer that was lost are known to nobody.
      if (left > 0 && isLostConnection(error)) continue;
      return unavailable(signal.aborted ? "it does not answer in time" : "it cannot be reached");
    }
  }
}

function isLostConnection(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return code === "UND_ERR_SOCKET" || code === "ECONNRESET" || code === "EPIPE";
}

async function askOnce<T>(
  dispatcher: Dispatcher,
  { method, path, body }: Question,
  { parse, refusalOf, answerBytes }: Asking<T>,
  signal: AbortSignal,
): Promise<Result<T>> {
  const answer = await dispatcher.request({
    method,
    path,
    signal,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    ...(body === undefined ? {} : { body }),
  });
  const text = await readText(answer.body, answerBytes);
  const value = text === null ? undefined : jsonOf(text);
  if (answer.statusCode !== 200) {
    const refusal = { status: answer.statusCode, code: problemCodeOf(value), body: value };
    return failed(refusalOf(refusal));
  }
  const parsed = parse(value);
  return parsed === null ? unavailable("it answered something else") : ok(parsed);
}

/** RFC 9457: our codes end the `type`. */
function problemCodeOf(body: unknown): ProblemCode | null {
  if (typeof body !== "object" || body === null || !("type" in body)) return null;
  if (typeof body.type !== "string") return null;
  return parseProblemCode(body.type.slice(body.type.lastIndexOf(":") + 1));
}

async function readText(
  body: Dispatcher.ResponseData["body"],
  bytesMax: number,
): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const part = Buffer.from(chunk as Uint8Array);
    bytes += part.length;
    if (bytes > bytesMax) return null;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString("utf8");
}
