import { readLeaf } from "#audit/leaf.ts";
import type { AuditEntry } from "#core/audit-entry.ts";
import { laterBy, toIso, type Instant } from "#core/clock.ts";
import { limits } from "#core/limits.ts";
import { leaseEntries } from "#breach/device-store.ts";
import type { Queryable } from "#storage/database.ts";

/**
 * A patient's summary of her own record that the device kept for a time without a connection, locked
 * by her passkey. What stood in it is among what the device was shown.
 */
export interface OfflineCopy {
  readonly lease: string;
  readonly device: string;
  readonly account: string | null;
  readonly givenAt: string;
  readonly renewedAt: string;
  /** A device that stays offline does not hear of an earlier end: until then it could be opened there. */
  readonly openableUntil: string;
  /** When the log was told that its lease had been ended, and by what; null for one that was not. */
  readonly endedAt: string | null;
  readonly endedBy: string | null;
}

interface Book {
  readonly lease: string;
  readonly device: string;
  readonly account: string | null;
  readonly givenAt: Instant;
  renewedAt: Instant;
  ended: { readonly at: Instant; readonly by: string } | null;
}

/**
 * Takes entries by time. A lease or a renewal stands in the log before it is given; one that then was
 * not given counts all the same, as nobody can be sure that nothing left.
 */
function enter(books: Map<string, Book>, entry: AuditEntry): void {
  const { action, decision, reasons, device, time, actor, resourceId: lease } = entry;
  if (action !== "account-change" || decision !== "permit") return;
  if (device === null || lease === null) return;
  const [name, by = ""] = reasons;
  const book = books.get(lease);
  if (name === "offline-lease-given" && book === undefined)
    books.set(lease, {
      lease,
      device,
      account: actor,
      givenAt: time,
      renewedAt: time,
      ended: null,
    });
  else if (book === undefined) return;
  else if (name === "offline-lease-renewed" && book.ended === null) book.renewedAt = time;
  else if (name === "offline-lease-ended") book.ended ??= { at: time, by };
}

const printed = ({ renewedAt, givenAt, ended, ...who }: Book): OfflineCopy => ({
  ...who,
  givenAt: toIso(givenAt),
  renewedAt: toIso(renewedAt),
  openableUntil: toIso(laterBy(renewedAt, limits.offlineLeaseMs)),
  endedAt: ended === null ? null : toIso(ended.at),
  endedBy: ended?.by ?? null,
});

/** What these devices kept, out of the log, oldest first. */
export async function offlineCopies(
  on: Queryable,
  devices: readonly string[],
): Promise<readonly OfflineCopy[]> {
  const books = new Map<string, Book>();
  for (const { leaf } of await leaseEntries(on, devices)) {
    const entry = readLeaf(leaf);
    if (entry !== null) enter(books, entry);
  }
  return [...books.values()].map(printed);
}
