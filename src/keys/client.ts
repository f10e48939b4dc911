import type { Dispatcher } from "undici";
import type { GeneratedKey, KeyService, UnwrappedKey } from "#core/key-service.ts";
import { keyLimits } from "#core/key-wire.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { jsonOf } from "#keys/shape.ts";
import { parseGenerateAnswer, parseKeyStatus, parseUnwrapAnswer, wireLimits } from "#keys/wire.ts";

export const keyClientLimits = {
  /** From asking to the last byte of one answer, its second try included. */
  answerMs: 2_000,
  tries: 2,
} as const;

/** The keys process over HTTP; the dispatcher proves both sides and is closed by who made it. */
export function createKeyClient(dispatcher: Dispatcher): KeyService {
  const call = <T>(question: Question, parse: (value: unknown) => T | null): Promise<Result<T>> =>
    ask(dispatcher, question, parse);
  return {
    unwrap: (keys) =>
      inBatches(keys, async (batch) => {
        const answer = await call(post("/unwrap", { keys: batch }), parseUnwrapAnswer);
        if (!answer.ok) return answer;
        return answer.value.keys.length === batch.length
          ? ok(answer.value.keys.map(decoded))
          : unavailable("it answered something else");
      }),
    generate: (tenant, compartments) =>
      inBatches(compartments, async (batch) => {
        const question = post("/generate", { tenant, compartments: batch });
        const answer = await call(question, parseGenerateAnswer);
        if (!answer.ok) return answer;
        const keys = answer.value.keys;
        const same =
          keys.length === batch.length &&
          keys.every(({ wrapped }, i) => {
            const asked = batch[i];
            return (
              wrapped.tenant === tenant &&
              wrapped.compartment === asked?.compartment &&
              wrapped.dekVersion === asked.dekVersion
            );
          });
        return same ? ok(keys.map(generated)) : unavailable("it answered something else");
      }),
    status: () => call({ method: "GET", path: "/status" }, parseKeyStatus),
  };
}

interface Question {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
}

const post = (path: string, body: unknown): Question => ({
  method: "POST",
  path,
  body: JSON.stringify(body),
});

const unavailable = (detail: string): ReturnType<typeof refuse> =>
  refuse("key-unavailable", { detail });

function decoded(
  answer: { ok: true; key: string } | Extract<UnwrappedKey, { ok: false }>,
): UnwrappedKey {
  return answer.ok ? { ok: true, key: Buffer.from(answer.key, "base64url") } : answer;
}

function generated({
  wrapped,
  key,
}: {
  wrapped: GeneratedKey["wrapped"];
  key: string;
}): GeneratedKey {
  return { wrapped, key: Buffer.from(key, "base64url") };
}

/** Asks for at most `keysPerRequest` at a time and stops at the first failure. */
async function inBatches<A, B>(
  all: readonly A[],
  one: (batch: readonly A[]) => Promise<Result<readonly B[]>>,
): Promise<Result<readonly B[]>> {
  const answers: B[] = [];
  for (let from = 0; from < all.length; from += keyLimits.keysPerRequest) {
    const answer = await one(all.slice(from, from + keyLimits.keysPerRequest));
    if (!answer.ok) return answer;
    answers.push(...answer.value);
  }
  return ok(answers);
}

async function ask<T>(
  dispatcher: Dispatcher,
  question: Question,
  parse: (value: unknown) => T | null,
): Promise<Result<T>> {
  const signal = AbortSignal.timeout(keyClientLimits.answerMs);
  for (let left = keyClientLimits.tries - 1; ; left -= 1) {
    try {
      return await askOnce(dispatcher, question, parse, signal);
    } catch (error) {
      // A pooled connection may have ended between two questions. Both may be asked twice: keys
      // made for an answer that was lost are known to nobody.
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
  parse: (value: unknown) => T | null,
  signal: AbortSignal,
): Promise<Result<T>> {
  const answer = await dispatcher.request({
    method,
    path,
    signal,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    ...(body === undefined ? {} : { body }),
  });
  const text = await readText(answer.body);
  if (answer.statusCode === 403) return refuse("forbidden");
  if (answer.statusCode !== 200) return unavailable(`it answered ${answer.statusCode}`);
  const value = text === null ? null : parse(jsonOf(text));
  return value === null ? unavailable("it answered something else") : ok(value);
}

async function readText(body: Dispatcher.ResponseData["body"]): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const part = Buffer.from(chunk as Uint8Array);
    bytes += part.length;
    if (bytes > wireLimits.answerBytes) return null;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString("utf8");
}
