import type { Dispatcher } from "undici";
import type { GeneratedKey, KeyOperator, KeyService, UnwrappedKey } from "#core/key-service.ts";
import { keyLimits, type KeySignal, type RewrapRequest, type WrappedKey } from "#core/key-wire.ts";
import type { Problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import {
  ask,
  get,
  inBatches,
  post,
  unavailable,
  type Question,
  type Refusal,
} from "#keys/client-asking.ts";
import { exactObject } from "#keys/shape.ts";
import {
  parseFileAnswer,
  parseGenerateAnswer,
  parseKeyStatus,
  parseRewrapAnswer,
  parseSignals,
  parseUnwrapAnswer,
  wireLimits,
} from "#keys/wire.ts";

export const keyClientLimits = {
  /** From asking to the last byte of one answer, its second try included. */
  answerMs: 2_000,
} as const;

const service = { answerMs: keyClientLimits.answerMs, answerBytes: wireLimits.answerBytes };

/**
 * The keys process over HTTP; the dispatcher proves both sides and is closed by who made it.
 * `onSignal` is told each signal that an answer carries, before the answer is given on.
 */
export function createKeyClient(
  dispatcher: Dispatcher,
  onSignal: (signal: KeySignal) => void = () => {},
): KeyService {
  const call = <T>(question: Question, parse: (value: unknown) => T | null): Promise<Result<T>> =>
    ask(dispatcher, question, {
      ...service,
      parse,
      refusalOf: (refusal) => refusalOf(refusal, onSignal),
    });
  return {
    unwrap: (keys) =>
      inBatches(keys, keyLimits.keysPerRequest, async (batch) => {
        const answer = await call(post("/unwrap", { keys: batch }), parseUnwrapAnswer);
        if (!answer.ok) return answer;
        answer.value.signals?.forEach(onSignal);
        return answer.value.keys.length === batch.length
          ? ok(answer.value.keys.map(decoded))
          : unavailable("it answered something else");
      }),
    generate: (tenant, compartments) =>
      inBatches(compartments, keyLimits.keysPerRequest, async (batch) => {
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
    status: () => call(get("/status"), parseKeyStatus),
  };
}

/** A caller learns that it may not, or that the brake holds it; all else is a service that is down. */
function refusalOf(
  { status, code, body }: Refusal,
  onSignal: (signal: KeySignal) => void,
): Problem {
  const { signals } = exactObject(body, ["type", "title", "status", "signals"]) ?? {};
  parseSignals(signals)?.forEach(onSignal);
  if (code === "forbidden" || code === "key-brake") return { code };
  return { code: "key-unavailable", detail: `it answered ${status}` };
}

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

/** A move wraps and opens every epoch; a key service far away takes a while for some thousands. */
export const operatorLimits = { answerMs: 120_000 } as const;

/** The keys process for an operator's command; the dispatcher proves both sides, who made it closes it. */
export function createKeyOperator(dispatcher: Dispatcher): KeyOperator {
  const call = <T>(
    question: Question,
    parse: (value: unknown) => T | null,
    once: boolean,
  ): Promise<Result<T>> =>
    ask(dispatcher, question, {
      answerMs: operatorLimits.answerMs,
      answerBytes: wireLimits.operatorAnswerBytes,
      parse,
      refusalOf: operatorRefusal,
      once,
    });
  return {
    status: () => call(get("/status"), parseKeyStatus, false),
    // Asked once: a second epoch would be started when only the answer to the first was lost.
    startEpoch: () => call(post("/epochs", {}), parseKeyStatus, true),
    retireEpochs: (before) => call(post("/epochs/retire", { before }), parseKeyStatus, false),
    moveKms: (kms) => call(post("/kms", { kms }), parseKeyStatus, true),
    liftBrake: (patients, minutes) =>
      call(post("/brake", { patients, minutes }), parseKeyStatus, false),
    ring: () => call(get("/ring"), parseFileAnswer, false),
    escrow: async (recipient) => {
      const file = await call(post("/escrow", { recipient }), parseFileAnswer, false);
      return file.ok ? ok(Buffer.from(file.value, "base64")) : file;
    },
    rewrap: (keys) =>
      inBatches(keys, keyLimits.rewrapsPerRequest, (batch) =>
        call(
          post("/rewrap", inColumns(batch)),
          (value) => parseRewrapAnswer(value, batch.length),
          false,
        ),
      ),
  };
}

function inColumns(keys: readonly WrappedKey[]): RewrapRequest {
  const tenant = keys[0]?.tenant ?? "";
  invariant(
    keys.every((key) => key.tenant === tenant),
    "keys that are wrapped anew together are of one tenant",
  );
  return {
    tenant,
    compartments: keys.map(({ compartment }) => compartment),
    dekVersions: keys.map(({ dekVersion }) => dekVersion),
    kekEpochs: keys.map(({ kekEpoch }) => kekEpoch),
    wrapped: keys.map(({ wrapped }) => wrapped).join(""),
  };
}

/** The problem that the keys process names, with what it tells of it. */
function operatorRefusal({ status, code, body }: Refusal): Problem {
  if (code === null) return { code: "key-unavailable", detail: `it answered ${status}` };
  const told = typeof body === "object" && body !== null && "detail" in body ? body.detail : null;
  return typeof told === "string" ? { code, detail: told } : { code };
}
