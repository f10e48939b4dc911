import {
  keyLimits,
  type GenerateAnswer,
  type GenerateRequest,
  type KekEpoch,
  type KeyStatus,
  type UnwrapAnswer,
  type UnwrapRequest,
  type WrappedKey,
} from "#core/key-wire.ts";
import { toIso } from "#core/clock.ts";
import { gcm } from "#keys/gcm.ts";
import { ringFileLimits } from "#keys/ring-file.ts";
import { bytesOf, exactObject, isoInstant, listOf, wholeNumber } from "#keys/shape.ts";

/** Parsers of core/key-wire.ts, for both ends. Each gives null for what has not exactly the form. */

export const wireLimits = {
  /** A thousand wrapped keys take about 320 KB. */
  requestBytes: 512 * 1024,
  answerBytes: 1024 * 1024,
  nameCharacters: 64,
  versionMax: 2 ** 31 - 1,
} as const;

const keyBytes = 32;
const commitmentBytes = 32;
const wrappedBytes = keyBytes + gcm.overheadBytes;

const nameOf = (value: unknown): string | null =>
  typeof value === "string" && value.length > 0 && value.length <= wireLimits.nameCharacters
    ? value
    : null;

const versionOf = (value: unknown): number | null => wholeNumber(value, 1, wireLimits.versionMax);

const base64urlOf = (value: unknown, bytes: number): string | null =>
  bytesOf(value, bytes)?.toString("base64url") ?? null;

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
  const answer = exactObject(value, ["keys"]);
  const keys = answer && listOf(answer.keys, keyLimits.keysPerRequest, parseUnwrapped);
  return keys && { keys };
}

const failures = ["wrong-epoch", "damaged", "not-yours"] as const;

function parseUnwrapped(value: unknown): UnwrapAnswer["keys"][number] | null {
  const given = exactObject(value, ["ok", "key"]);
  if (given !== null) {
    const key = base64urlOf(given.key, keyBytes);
    return given.ok === true && key !== null ? { ok: true, key } : null;
  }
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
  const status = exactObject(value, ["kms", "kekEpoch", "epochs", "unwraps"]);
  if (status === null) return null;
  const kms = nameOf(status.kms);
  const kekEpoch = versionOf(status.kekEpoch);
  const epochs = listOf(status.epochs, ringFileLimits.epochs, parseEpoch);
  const unwraps = wholeNumber(status.unwraps, 0, Number.MAX_SAFE_INTEGER);
  if (kms === null || kekEpoch === null || epochs === null || unwraps === null) return null;
  return { kms, kekEpoch, epochs, unwraps };
}

function parseEpoch(value: unknown): KekEpoch | null {
  const entry = exactObject(value, ["epoch", "createdAt"]);
  const epoch = entry && versionOf(entry.epoch);
  const createdAt = entry && isoInstant(entry.createdAt);
  return epoch === null || createdAt === null ? null : { epoch, createdAt: toIso(createdAt) };
}
