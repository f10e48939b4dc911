import { readLeaf } from "#audit/leaf.ts";
import type { AuditEntry } from "#core/audit-entry.ts";
import type { Instant } from "#core/clock.ts";
import { parseProcessRole } from "#core/roles.ts";
import type { KeyLogLine } from "#keys/log-line.ts";
import type { KeyEntryRow, KeyRow } from "#breach/exposure-store.ts";
import type { Sighting } from "#breach/sighting.ts";

const epochForm = /^kek-epoch-(\d{1,10})$/;

function epochOf({ reasons }: AuditEntry): number | null {
  const found = reasons
    .map((reason) => epochForm.exec(reason)?.[1])
    .find((text) => text !== undefined);
  return found === undefined ? null : Number(found);
}

const actorForm = /^process:(.+)$/;

/**
 * What an entry of the log tells of a key; null when its leaf is no such entry. `hostOf` knows on
 * which host the process ran that wrote a log, or null.
 */
export function entrySighting(
  { origin, seq, leaf }: KeyEntryRow,
  hostOf: (origin: string) => string | null,
): Sighting | null {
  const entry = readLeaf(leaf);
  if (entry === null || entry.dekVersion === null) return null;
  const role = parseProcessRole(actorForm.exec(entry.actor ?? "")?.[1] ?? "");
  return {
    record: entry.action === "key-create" ? "create" : "unwrap",
    compartment: entry.patient ?? "organisation",
    dekVersion: entry.dekVersion,
    kekEpoch: epochOf(entry),
    at: entry.time,
    holder: role === null ? null : { role, host: hostOf(origin) },
    source: origin,
    index: seq,
  };
}

/** The epoch that an entry of a rotation names, and when it was written; null for any other. */
export function rotationOf(leaf: Buffer): { readonly epoch: number; readonly at: Instant } | null {
  const entry = readLeaf(leaf);
  const epoch = entry === null ? null : epochOf(entry);
  return entry === null || epoch === null ? null : { epoch, at: entry.time };
}

export const keyLogName = "key-log";

const records = { unwrap: "unwrap", generate: "create", rewrap: "rewrap" } as const;

/** What a line of the keys process's log tells of each key that it names as given. */
export function lineSightings(entry: KeyLogLine): readonly Sighting[] {
  const { line, at, action, caller, given } = entry;
  if (action !== "unwrap" && action !== "generate" && action !== "rewrap") return [];
  const record = records[action];
  // A key that is wrapped anew does not leave the keys process.
  const holder = record === "rewrap" ? null : caller;
  return given.map((key) => ({ record, ...key, at, holder, source: keyLogName, index: line }));
}

/** That the key stands in the table now. */
export function rowSighting({ compartment, dekVersion, kekEpoch }: KeyRow, now: Instant): Sighting {
  const source = "keyring.data_key";
  return {
    record: "row",
    compartment,
    dekVersion,
    kekEpoch,
    at: now,
    holder: null,
    source,
    index: null,
  };
}

/** A sighting as a line of text, and back: nothing else is given to parseSighting. */
export const printSighting = (sighting: Sighting): string => JSON.stringify(sighting);
export const parseSighting = (line: string): Sighting => JSON.parse(line) as Sighting;
