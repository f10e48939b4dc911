import { createHash } from "node:crypto";
import { toIso, type Instant } from "#core/clock.ts";
import { keySignals } from "#core/key-wire.ts";
import { parseProblemCode } from "#core/problem.ts";
import { parseProcessRole } from "#core/roles.ts";
import { keyActions, type KeyRefused, type KeyTold, type KeyUse } from "#keys/key-use.ts";
import { bytesOf, exactObject, isoInstant, jsonOf, listOf, wholeNumber } from "#keys/shape.ts";

/** One line of the keys process's own log. */
export interface KeyLogLine extends KeyUse {
  /** Counts up from 1 without a gap. */
  readonly line: number;
  /** What the clock showed; it may have been set back between two lines. */
  readonly at: Instant;
  /** SHA-256 of the line before, without its line end; zero bytes before the first one. */
  readonly before: Buffer;
}

export const lineLimits = {
  /** Ten thousand keys of the longest names, each character of them escaped. */
  bytes: 8 * 1024 * 1024,
  keys: 10_000,
  textCharacters: 64,
} as const;

const hashBytes = 32;
const versionMax = 2 ** 31 - 1;

export const noLine: Buffer = Buffer.alloc(hashBytes);

export function hashOfLine(line: Buffer): Buffer {
  return createHash("sha256").update(line).digest();
}

/** The line as bytes, without its line end. */
export function printLogLine(entry: KeyLogLine): Buffer {
  const told = ({ compartment, dekVersion, kekEpoch }: KeyTold): readonly unknown[] => [
    compartment,
    dekVersion,
    kekEpoch,
  ];
  return Buffer.from(
    JSON.stringify({
      line: entry.line,
      at: toIso(entry.at),
      role: entry.caller.role,
      host: entry.caller.host,
      action: entry.action,
      outcome: entry.outcome,
      given: entry.given.map(told),
      refused: entry.refused.map((key) => [...told(key), key.code]),
      signals: entry.signals,
      before: entry.before.toString("base64url"),
    }),
  );
}

const names = [
  "line",
  "at",
  "role",
  "host",
  "action",
  "outcome",
  "given",
  "refused",
  "signals",
  "before",
] as const;

/** Null when the bytes have not exactly the form that printLogLine gives. */
export function parseLogLine(bytes: Buffer): KeyLogLine | null {
  const value = exactObject(jsonOf(bytes.toString("utf8")), names);
  if (value === null) return null;
  const line = wholeNumber(value.line, 1, Number.MAX_SAFE_INTEGER);
  const at = isoInstant(value.at);
  const role = typeof value.role === "string" ? parseProcessRole(value.role) : null;
  const host = textOf(value.host);
  const action = keyActions.find((known) => known === value.action);
  const outcome = outcomeOf(value.outcome);
  const given = listOf(value.given, lineLimits.keys, parseTold);
  const refused = listOf(value.refused, lineLimits.keys, parseRefused);
  const signals = listOf(value.signals, keySignals.length, signalOf);
  const before = bytesOf(value.before, hashBytes);
  if (line === null || at === null || role === null || host === null) return null;
  if (action === undefined || outcome === null || given === null || refused === null) return null;
  if (signals === null || before === null) return null;
  return { line, at, caller: { role, host }, action, outcome, given, refused, signals, before };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value.length <= lineLimits.textCharacters ? value : null;
}

function outcomeOf(value: unknown): KeyUse["outcome"] | null {
  if (value === "begun" || value === "done") return value;
  return typeof value === "string" ? parseProblemCode(value) : null;
}

const signalOf = (value: unknown): KeyUse["signals"][number] | null =>
  keySignals.find((known) => known === value) ?? null;

function parseTold(value: unknown): KeyTold | null {
  return Array.isArray(value) && value.length === 3 ? toldOf(value) : null;
}

const refusals = ["wrong-epoch", "damaged", "not-yours"] as const;

function parseRefused(value: unknown): KeyRefused | null {
  if (!Array.isArray(value) || value.length !== 4) return null;
  const told = toldOf(value);
  const code = refusals.find((known) => known === value[3]);
  return told === null || code === undefined ? null : { ...told, code };
}

function toldOf([name, version, epoch]: readonly unknown[]): KeyTold | null {
  const compartment = textOf(name);
  const dekVersion = wholeNumber(version, 1, versionMax);
  const kekEpoch = wholeNumber(epoch, 1, versionMax);
  if (compartment === null || dekVersion === null || kekEpoch === null) return null;
  return { compartment, dekVersion, kekEpoch };
}
