import {
  keyLimits,
  keySignals,
  type GenerateAnswer,
  type GenerateRequest,
  type KekEpoch,
  type KeyLogHead,
  type KeySignal,
  type KeyStatus,
  type RewrapAnswer,
  type RewrapRequest,
  type UnwrapAnswer,
  type UnwrapRequest,
  type WrappedKey,
} from "#core/key-wire.ts";
import { toIso } from "#core/clock.ts";
import { brakeLimits } from "#keys/brake.ts";
import { gcm } from "#keys/gcm.ts";
import { ringFileLimits } from "#keys/ring-file.ts";
import { base64urlOf, exactObject, isoInstant, listOf, wholeNumber } from "#keys/shape.ts";

/** Parsers of core/key-wire.ts, for both ends. Each gives null for what has not exactly the form. */

export const wireLimits = {
  /** A thousand wrapped keys take about 320 KB. */
  requestBytes: 512 * 1024,
  answerBytes: 1024 * 1024,
  /** Ten thousand wrapped keys, and what comes back for them. */
  rewrapRequestBytes: 5 * 1024 * 1024,
  operatorAnswerBytes: 8 * 1024 * 1024,
  /** A hybrid post-quantum age recipient has about 1,960. */
  recipientCharacters: 4_096,
  signals: 16,
  nameCharacters: 64,
  versionMax: 2 ** 31 - 1,
} as const;

const keyBytes = 32;
const commitmentBytes = 32;
const hashBytes = 32;
const wrappedBytes = keyBytes + gcm.overheadBytes;

const nameOf = (value: unknown): string | null =>
  typeof value === "string" && value.length > 0 && value.length <= wireLimits.nameCharacters
    ? value
    : null;

const versionOf = (value: unknown): number | null => wholeNumber(value, 1, wireLimits.versionMax);

export function parseWrappedKey(value: unknown): WrappedKey | null {
  const names = [
    "compartment",
    "tenant",
    "dekVersion",
    "kekEpoch",
    "wrapped",
    "commitment",
  ] as const;
  const key = exactObject(value, names);
  if (key === null) return null;
  const compartment = nameOf(key.compartment);
  const tenant = nameOf(key.tenant);
  const dekVersion = versionOf(key.dekVersion);
  const kekEpoch = versionOf(key.kekEpoch);
  const wrapped = base64urlOf(key.wrapped, wrappedBytes);
  const commitment = base64urlOf(key.commitment, commitmentBytes);
  if (compartment === null || tenant === null || dekVersion === null || kekEpoch === null)
    return null;
  if (wrapped === null || commitment === null) return null;
  return { compartment, tenant, dekVersion, kekEpoch, wrapped, commitment };
}

export function parseUnwrapRequest(value: unknown): UnwrapRequest | null {
  const request = exactObject(value, ["keys"]);
  const keys = request && listOf(request.keys, keyLimits.keysPerRequest, parseWrappedKey);
  return keys && { keys };
}

export function parseRewrapRequest(value: unknown): RewrapRequest | null {
  const request = exactObject(value, ["keys"]);
  const keys = request && listOf(request.keys, keyLimits.rewrapsPerRequest, parseWrappedKey);
  return keys && { keys };
}

export function parseRewrapAnswer(value: unknown): RewrapAnswer | null {
  const answer = exactObject(value, ["keys"]);
  const keys = answer && listOf(answer.keys, keyLimits.rewrapsPerRequest, parseRewrapped);
  return keys && { keys };
}

function parseRewrapped(value: unknown): RewrapAnswer["keys"][number] | null {
  const given = exactObject(value, ["ok", "kekEpoch", "wrapped"]);
  if (given === null) return parseRefusedKey(value);
  const kekEpoch = versionOf(given.kekEpoch);
  const wrapped = base64urlOf(given.wrapped, wrappedBytes);
  if (given.ok !== true || kekEpoch === null || wrapped === null) return null;
  return { ok: true, kekEpoch, wrapped };
}

/** The body of POST /epochs/retire: the lowest epoch that stays. */
export function parseRetireRequest(value: unknown): number | null {
  return versionOf(exactObject(value, ["before"])?.before);
}

/** The body of POST /kms; what it holds is for the KMS's own parser to judge. */
export function parseMoveRequest(value: unknown): { readonly kms: unknown } | null {
  return exactObject(value, ["kms"]);
}

/** The body of POST /escrow: an age recipient. */
export function parseEscrowRequest(value: unknown): string | null {
  const recipient = exactObject(value, ["recipient"])?.recipient;
  if (typeof recipient !== "string" || recipient.length > wireLimits.recipientCharacters)
    return null;
  return recipient;
}

/** The body of POST /brake: so many patients more, for so long. */
export function parseLiftRequest(
  value: unknown,
): { readonly patients: number; readonly minutes: number } | null {
  const asked = exactObject(value, ["patients", "minutes"]);
  const patients = asked && wholeNumber(asked.patients, 1, brakeLimits.liftPatientsMax);
  const minutes = asked && wholeNumber(asked.minutes, 1, brakeLimits.liftMinutesMax);
  return patients === null || minutes === null ? null : { patients, minutes };
}

/** The answer of GET /ring (a text) and of POST /escrow (base64). */
export function parseFileAnswer(value: unknown): string | null {
  const file = exactObject(value, ["file"])?.file;
  return typeof file === "string" ? file : null;
}

export function parseGenerateRequest(value: unknown): GenerateRequest | null {
  const request = exactObject(value, ["tenant", "compartments"]);
  if (request === null) return null;
  const tenant = nameOf(request.tenant);
  const compartments = listOf(request.compartments, keyLimits.keysPerRequest, (item) => {
    const asked = exactObject(item, ["compartment", "dekVersion"]);
    const compartment = asked && nameOf(asked.compartment);
    const dekVersion = asked && versionOf(asked.dekVersion);
    return compartment !== null && dekVersion !== null ? { compartment, dekVersion } : null;
  });
  return tenant !== null && compartments !== null ? { tenant, compartments } : null;
}

export function parseUnwrapAnswer(value: unknown): UnwrapAnswer | null {
  const answer = exactObject(value, ["keys", "signals"]) ?? exactObject(value, ["keys"]);
  if (answer === null) return null;
  const keys = listOf(answer.keys, keyLimits.keysPerRequest, parseUnwrapped);
  if (keys === null || !("signals" in answer)) return keys && { keys };
  const signals = parseSignals(answer.signals);
  return signals && { keys, signals };
}

/** Signals that a later version may add are no reason to lose the keys beside them. */
export function parseSignals(value: unknown): readonly KeySignal[] | null {
  const named = listOf(value, wireLimits.signals, nameOf);
  return named && keySignals.filter((signal) => named.includes(signal));
}

const failures = ["wrong-epoch", "damaged", "not-yours"] as const;

function parseUnwrapped(value: unknown): UnwrapAnswer["keys"][number] | null {
  const given = exactObject(value, ["ok", "key"]);
  if (given !== null) {
    const key = base64urlOf(given.key, keyBytes);
    return given.ok === true && key !== null ? { ok: true, key } : null;
  }
  return parseRefusedKey(value);
}

function parseRefusedKey(
  value: unknown,
): Extract<UnwrapAnswer["keys"][number], { ok: false }> | null {
  const refused = exactObject(value, ["ok", "code"]);
  const code = failures.find((known) => known === refused?.code);
  return refused?.ok === false && code !== undefined ? { ok: false, code } : null;
}

export function parseGenerateAnswer(value: unknown): GenerateAnswer | null {
  const answer = exactObject(value, ["keys"]);
  const keys =
    answer &&
    listOf(answer.keys, keyLimits.keysPerRequest, (item) => {
      const pair = exactObject(item, ["wrapped", "key"]);
      const wrapped = pair && parseWrappedKey(pair.wrapped);
      const key = pair && base64urlOf(pair.key, keyBytes);
      return wrapped !== null && key !== null ? { wrapped, key } : null;
    });
  return keys && { keys };
}

export function parseKeyStatus(value: unknown): KeyStatus | null {
  const status = exactObject(value, ["kms", "kekEpoch", "epochs", "unwraps", "log"]);
  if (status === null) return null;
  const kms = nameOf(status.kms);
  const kekEpoch = versionOf(status.kekEpoch);
  const epochs = listOf(status.epochs, ringFileLimits.epochs, parseEpoch);
  const unwraps = wholeNumber(status.unwraps, 0, Number.MAX_SAFE_INTEGER);
  const log = parseLogHead(status.log);
  if (kms === null || kekEpoch === null || epochs === null || unwraps === null || log === null)
    return null;
  return { kms, kekEpoch, epochs, unwraps, log };
}

function parseLogHead(value: unknown): KeyLogHead | null {
  const head = exactObject(value, ["lines", "hash"]);
  const lines = head && wholeNumber(head.lines, 0, Number.MAX_SAFE_INTEGER);
  const hash = head && base64urlOf(head.hash, hashBytes);
  return lines === null || hash === null ? null : { lines, hash };
}

function parseEpoch(value: unknown): KekEpoch | null {
  const entry = exactObject(value, ["epoch", "createdAt"]);
  const epoch = entry && versionOf(entry.epoch);
  const createdAt = entry && isoInstant(entry.createdAt);
  return epoch === null || createdAt === null ? null : { epoch, createdAt: toIso(createdAt) };
}
