import type { Dispatcher } from "undici";
import { ok, type Result } from "#core/result.ts";
import { unavailable } from "#keys/kms/failures.ts";
import { jsonOf } from "#keys/shape.ts";

export interface Question {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export const askLimits = {
  /** From asking to the last byte of the answer. */
  answerMs: 3_000,
  answerBytes: 64 * 1024,
} as const;

/** One question to a key service, called `who` in the problem "key-unavailable" of no usable answer. */
export async function ask(
  dispatcher: Dispatcher,
  who: string,
  { url, method, headers, body }: Question,
): Promise<Result<Answer>> {
  const signal = AbortSignal.timeout(askLimits.answerMs);
  try {
    const path = url.pathname + url.search;
    const answer = await dispatcher.request({
      origin: url.origin,
      path,
      method,
      headers,
      body,
      signal,
    });
    const text = await limitedText(answer.body);
    if (text === null) return unavailable(`${who} answered with too much`);
    return ok({ status: answer.statusCode, headers: singleHeaders(answer.headers), text });
  } catch {
    return unavailable(
      signal.aborted
        ? `${who} did not answer within ${askLimits.answerMs} ms`
        : `${who} cannot be reached`,
    );
  }
}

/** POST of JSON; the answer's body is undefined when it is not JSON. */
export async function askJson(
  dispatcher: Dispatcher,
  who: string,
  question: { url: URL; headers: Readonly<Record<string, string>>; body: unknown },
): Promise<Result<{ status: number; body: unknown }>> {
  const answer = await ask(dispatcher, who, {
    url: question.url,
    method: "POST",
    headers: { "content-type": "application/json", ...question.headers },
    body: JSON.stringify(question.body),
  });
  if (!answer.ok) return answer;
  return ok({ status: answer.value.status, body: jsonOf(answer.value.text) });
}

/** Text found along these names in parsed JSON; null when it is not there. */
export function textAt(value: unknown, ...names: readonly string[]): string | null {
  let at = value;
  for (const name of names) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return null;
    at = new Map<string, unknown>(Object.entries(at)).get(name);
  }
  return typeof at === "string" ? at : null;
}

async function limitedText(body: AsyncIterable<Buffer>): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > askLimits.answerBytes) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function singleHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  const single = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value] as const],
  );
  return Object.fromEntries(single);
}
