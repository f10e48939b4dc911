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
  type UnwrapAnswer,
  type UnwrapRequest,
  type WrappedKey,
} from "#core/key-wire.ts";
import { toIso } from "#core/clock.ts";
import { brakeLimits } from "#keys/brake.ts";
import type { RewrappedKey } from "#core/key-service.ts";
import type { KeyTold } from "#keys/key-use.ts";
import { wrappedKeyBytes } from "#keys/ring.ts";
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
  const wrapped = base64urlOf(key.wrapped, wrappedKeyBytes);
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

/** Wrapped keys of one tenant: `sealed` holds them one behind the other, in the order of `keys`. */
export interface WrappedBatch {
  readonly tenant: string;
  readonly keys: readonly KeyTold[];
  readonly sealed: Buffer;
}

/** Parses a RewrapRequest: columns of one length, at most keyLimits.rewrapsPerRequest. */
export function parseRewrapRequest(value: unknown): WrappedBatch | null {
  const columns = ["tenant", "compartments", "dekVersions", "kekEpochs", "wrapped"] as const;
  const request = exactObject(value, columns);
  if (request === null) return null;
  const tenant = nameOf(request.tenant);
  const { rewrapsPerRequest } = keyLimits;
  const compartments = listOf(request.compartments, rewrapsPerRequest, nameOf);
  const dekVersions = listOf(request.dekVersions, rewrapsPerRequest, versionOf);
  const kekEpochs = listOf(request.kekEpochs, rewrapsPerRequest, versionOf);
  if (tenant === null || compartments === null || dekVersions === null || kekEpochs === null)
    return null;
  const sealed = joinedOf(request.wrapped, compartments.length);
  if (sealed === null || kekEpochs.length !== compartments.length) return null;
  const keys = dekVersions.flatMap((dekVersion, i) => {
    const [compartment, kekEpoch] = [compartments[i], kekEpochs[i]];
    return compartment === undefined || kekEpoch === undefined
      ? []
      : [{ compartment, dekVersion, kekEpoch }];
  });
  return keys.length === compartments.length && keys.length === dekVersions.length
    ? { tenant, keys, sealed }
    : null;
}

/** So many wrapped keys, one behind the other. */
function joinedOf(value: unknown, count: number): Buffer | null {
  const text = base64urlOf(value, count * wrappedKeyBytes);
  return text === null ? null : Buffer.from(text, "base64url");
}

/** Characters of a wrapped key in base64url: no two of them share one. */
const wrappedCharacters = (wrappedKeyBytes * 4) / 3;

/** Parses a RewrapAnswer to as many keys, as they were asked for. */
export function parseRewrapAnswer(value: unknown, asked: number): readonly RewrappedKey[] | null {
  const answer = exactObject(value, ["kekEpoch", "wrapped", "refused"]);
  const kekEpoch = answer && versionOf(answer.kekEpoch);
  const refused = answer && listOf(answer.refused, asked, parseRefusedPlace);
  if (answer === null || kekEpoch === null || refused === null) return null;
  const codes = new Map(refused.map(({ place, code }) => [place, code]));
  const wrapped = base64urlOf(answer.wrapped, (asked - codes.size) * wrappedKeyBytes);
  if (wrapped === null || refused.length !== codes.size) return null;
  if (refused.some(({ place }) => place >= asked)) return null;
  let at = 0;
  return Array.from({ length: asked }, (_, place): RewrappedKey => {
    const code = codes.get(place);
    if (code !== undefined) return { ok: false, code };
    at += wrappedCharacters;
    return { ok: true, kekEpoch, wrapped: wrapped.slice(at - wrappedCharacters, at) };
  });
}

function parseRefusedPlace(value: unknown): RewrapAnswer["refused"][number] | null {
  const refused = exactObject(value, ["place", "code"]);
  const place = refused && wholeNumber(refused.place, 0, keyLimits.rewrapsPerRequest - 1);
  const code = failures.find((known) => known === refused?.code);
  return place === null || code === undefined ? null : { place, code };
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
