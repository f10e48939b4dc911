import type { AuditEntry } from "#core/audit-entry.ts";
import type { StoredVersion } from "#audit/verify-records-store.ts";

/** What an entry of the log says was written. */
export interface WrittenVersion {
  readonly kind: "written";
  readonly type: string;
  readonly id: string;
  readonly version: number;
  /** SHA-256 of the ciphertext, base64url. */
  readonly hash: string;
  /** Null where the entry does not tell: sealing anew neither deletes nor revives. */
  readonly deleted: boolean | null;
}

/** A version as it is stored now. */
export interface FoundVersion {
  readonly kind: "stored";
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly hash: string;
  readonly deleted: boolean;
  readonly isCurrent: boolean;
}

/** Either of them as one line of text, with the resource that it is about. */
export interface NamedLine {
  readonly type: string;
  readonly id: string;
  readonly line: string;
}

type Fields = readonly [
  kind: 0 | 1,
  type: string,
  id: string,
  version: number,
  hash: string,
  deleted: boolean | null,
  isCurrent: boolean,
];

const named = (fields: Fields): NamedLine => ({
  type: fields[1],
  id: fields[2],
  line: JSON.stringify(fields),
});

/** Null for an entry that wrote no row. */
export function writtenLine(entry: AuditEntry): NamedLine | null {
  const { decision, action, resourceType, resourceId, resourceVersion, ciphertextHash } = entry;
  if (decision !== "permit" || ciphertextHash === null) return null;
  if (resourceType === null || resourceId === null || resourceVersion === null) return null;
  const deleted = action === "key-reseal" ? null : action === "delete";
  return named([0, resourceType, resourceId, resourceVersion, ciphertextHash, deleted, false]);
}

export function storedLine({
  type,
  id,
  version,
  digest,
  deleted,
  isCurrent,
}: StoredVersion): NamedLine {
  return named([1, type, id, version, digest.toString("base64url"), deleted, isCurrent]);
}

/** Reads back what writtenLine or storedLine wrote; nothing else is given to it. */
export function parseLine(line: string): WrittenVersion | FoundVersion {
  const [kind, type, id, version, hash, deleted, isCurrent] = JSON.parse(line) as Fields;
  return kind === 0
    ? { kind: "written", type, id, version, hash, deleted }
    : { kind: "stored", type, id, version, hash, deleted: deleted === true, isCurrent };
}
