import { createHash } from "node:crypto";
import { parseInstant, toIso, type Instant } from "#core/clock.ts";
import { parsePseudonym, parseTenantId, type TenantId } from "#core/ids.ts";
import type { CopiedKey, CopiedShredding } from "#vault/key-copy-store.ts";

/**
 * A backup of the keys: one JSON value a line, so that a million keys need no memory. First the
 * head, then a line for each wrapped key and each shredded patient, last the count of the lines
 * between and the SHA-256 of all bytes before it. Nothing in it is in the clear that is not in the
 * clear in the database: keys are wrapped, the ring is sealed as it lies on disk.
 */
export interface BackupHead {
  readonly deployment: TenantId;
  readonly createdAt: Instant;
  /** The ring file's text. */
  readonly ring: string;
  /** The file that holds the root key, sealed under the passphrase; null when another KMS holds it. */
  readonly rootKey: string | null;
  /** The choice of the KMS as in `kms.json`; null where there is no such file. */
  readonly kms: string | null;
  /** Identity's own wrapped key, as it lies beside its secrets; null before its first start. */
  readonly identityKey: string | null;
}

export type BackupLine =
  | { readonly kind: "key"; readonly copied: CopiedKey }
  | { readonly kind: "shredded"; readonly copied: CopiedShredding }
  | { readonly kind: "end"; readonly lines: number; readonly sha256: string };

export const backupLimits = { lineBytes: 4 * 1024 * 1024, linesPerBatch: 5_000 } as const;

const format = "phylax-key-backup";

export function printHead(head: BackupHead): string {
  const { createdAt, ...rest } = head;
  return line({ format, version: 1, createdAt: toIso(createdAt), ...rest });
}

export function printKey({ key, createdAt }: CopiedKey): string {
  const { compartment, dekVersion, kekEpoch, wrapped, commitment } = key;
  return line(["key", compartment, dekVersion, kekEpoch, wrapped, commitment, toIso(createdAt)]);
}

export function printShredded(copied: CopiedShredding): string {
  const { compartment, at, reason, officer, secondOfficer, lastEpoch, finishedAt } = copied;
  const finished = finishedAt === null ? null : toIso(finishedAt);
  const words = [compartment, toIso(at), reason, officer, secondOfficer, lastEpoch, finished];
  return line(["shredded", ...words]);
}

export function printEnd(lines: number, sha256: string): string {
  return line(["end", lines, sha256]);
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** Hashes a backup's lines as they are written or read. */
export function createTally(): {
  add(text: string): void;
  readonly lines: number;
  /** Hex; ends the hash. */
  digest(): string;
} {
  const hash = createHash("sha256");
  let lines = 0;
  return {
    add: (text) => {
      hash.update(text);
      lines += 1;
    },
    get lines() {
      return lines;
    },
    digest: () => hash.digest("hex"),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function instantOf(value: unknown): Instant | null {
  return typeof value === "string" ? parseInstant(Date.parse(value)) : null;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value);

/** Null when the line is not the head of a backup of this version. */
export function parseHead(text: string): BackupHead | null {
  const value = jsonOf(text);
  if (typeof value !== "object" || value === null) return null;
  const found = value as Readonly<Record<string, unknown>>;
  if (found["format"] !== format || found["version"] !== 1) return null;
  const deployment = isText(found["deployment"]) ? parseTenantId(found["deployment"]) : null;
  const createdAt = instantOf(found["createdAt"]);
  const { ring, rootKey, kms, identityKey } = found;
  if (deployment === null || createdAt === null || !isText(ring)) return null;
  if (!isTextOrNull(rootKey) || !isTextOrNull(kms) || !isTextOrNull(identityKey)) return null;
  return { deployment, createdAt, ring, rootKey, kms, identityKey };
}

/** Null when the line is none of a backup's; `tenant` is the deployment that the head names. */
export function parseLine(text: string, tenant: TenantId): BackupLine | null {
  const value = jsonOf(text);
  if (!Array.isArray(value)) return null;
  const [kind, ...words] = value as readonly unknown[];
  switch (kind) {
    case "key":
      return parseKey(words, tenant);
    case "shredded":
      return parseShredded(words);
    case "end":
      return parseEnd(words);
    default:
      return null;
  }
}

const base64url = /^[A-Za-z0-9_-]+$/;

function parseKey(words: readonly unknown[], tenant: TenantId): BackupLine | null {
  const [compartment, dekVersion, kekEpoch, wrapped, commitment, at] = words;
  const createdAt = instantOf(at);
  if (!isText(compartment) || !isCount(dekVersion) || !isCount(kekEpoch)) return null;
  if (!isText(wrapped) || !base64url.test(wrapped)) return null;
  if (!isText(commitment) || !base64url.test(commitment) || createdAt === null) return null;
  if (compartment !== "organisation" && parsePseudonym(compartment) === null) return null;
  const key = { tenant, compartment, dekVersion, kekEpoch, wrapped, commitment };
  return { kind: "key", copied: { key, createdAt } };
}

function parseShredded(words: readonly unknown[]): BackupLine | null {
  const [compartment, when, reason, officer, secondOfficer, lastEpoch, finished] = words;
  const at = instantOf(when);
  const finishedAt = finished === null ? null : instantOf(finished);
  if (!isText(compartment) || parsePseudonym(compartment) === null || at === null) return null;
  if (!isText(reason) || !isText(officer) || !isText(secondOfficer)) return null;
  if (!isCount(lastEpoch) || (finished !== null && finishedAt === null)) return null;
  const copied = { compartment, at, reason, officer, secondOfficer, lastEpoch, finishedAt };
  return { kind: "shredded", copied };
}

function parseEnd(words: readonly unknown[]): BackupLine | null {
  const [lines, sha256] = words;
  return isCount(lines) && isText(sha256) ? { kind: "end", lines, sha256 } : null;
}
