import type { AuditEntry } from "#core/audit-entry.ts";
import type { Pseudonym } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import {
  selectAt,
  selectByPatients,
  selectNewestNote,
  selectTouched,
  selectWindow,
  selectWritten,
  type EntryPoint,
  type EntryRow,
  type EntryWindow,
  type TouchedPatient,
  type TraceWindow,
  type WrittenOf,
} from "#audit/entry-store.ts";
import { parseLeaf } from "#audit/leaf.ts";
import { auditLimits } from "#audit/limits.ts";
import type { LeafPlace } from "#audit/submission.ts";

export type { EntryScope, TouchedPatient, TraceWindow, WrittenOf } from "#audit/entry-store.ts";

export interface FoundEntry {
  readonly place: LeafPlace;
  /** Number of the log among those of this database. */
  readonly logId: number;
  readonly entry: AuditEntry;
}

export interface EntryPage {
  /** Newest first. */
  readonly entries: readonly FoundEntry[];
  /** Hand it in as `before` for the next page; null when this is the last. */
  readonly next: string | null;
}

const cursorForm = /^(-?\d{1,16})\.(\d{1,10})\.(\d{1,16})$/;

const writeCursor = ({ time, logId, seq }: EntryPoint): string => `${time}.${logId}.${seq}`;

function parseCursor(text: string): EntryPoint | null {
  const found = cursorForm.exec(text);
  if (found === null) return null;
  const point = { time: Number(found[1]), logId: Number(found[2]), seq: Number(found[3]) };
  return Object.values(point).every(Number.isSafeInteger) ? point : null;
}

function foundEntry({ origin, logId, seq, leaf }: EntryRow): FoundEntry | null {
  const entry = parseLeaf(leaf);
  return entry === null ? null : { place: { origin, index: seq }, logId, entry };
}

/** Entries by their leaves; null when one cannot be read. */
function foundEntries(rows: readonly EntryRow[]): readonly FoundEntry[] | null {
  const entries = rows.map(foundEntry);
  const whole = entries.filter((entry) => entry !== null);
  return whole.length < entries.length ? null : whole;
}

export interface PatientEntries {
  /** Few: the charts of one person. */
  readonly patients: readonly Pseudonym[];
  /** The cursor of the page before; null for the newest. */
  readonly before: string | null;
  /** At most auditLimits.pageEntries are given. */
  readonly limit: number;
}

/**
 * Everything logged of these patients, in all logs of the tenant. Fails as parameter-invalid for a
 * cursor that is none of ours, record-damaged when a leaf cannot be read, or storage-unavailable.
 */
export async function entriesOfPatients(
  on: Queryable,
  { patients, before, limit }: PatientEntries,
): Promise<Result<EntryPage>> {
  const point = before === null ? null : parseCursor(before);
  if (before !== null && point === null) return refuse("parameter-invalid", { at: "before" });
  const size = Math.min(limit, auditLimits.pageEntries);
  // One more than is given tells whether there is a next page.
  const rows = await attempt(() =>
    selectByPatients(on, { patients, before: point, limit: size + 1 }),
  );
  if (!rows.ok) return failed(rows.problem);
  const shown = rows.value.slice(0, size);
  const entries = foundEntries(shown);
  if (entries === null) return refuse("record-damaged");
  const last = shown.at(-1);
  const more = rows.value.length > size && last !== undefined;
  return ok({ entries, next: more ? writeCursor(last) : null });
}

export interface WindowAsked extends Omit<EntryWindow, "before"> {
  /** The cursor of the entry before; null for the newest. */
  readonly before: string | null;
}

/** An entry with the cursor by which a page goes on after it. */
export interface PlacedEntry extends FoundEntry {
  readonly cursor: string;
}

/**
 * Entries of a scope and a stretch of time, newest first, at most auditLimits.pageEntries; fewer
 * than were asked for are the last. Fails as entriesOfPatients does.
 */
export async function entriesInWindow(
  on: Queryable,
  { before, ...window }: WindowAsked,
): Promise<Result<readonly PlacedEntry[]>> {
  const point = before === null ? null : parseCursor(before);
  if (before !== null && point === null) return refuse("parameter-invalid", { at: "_cursor" });
  const limit = Math.min(window.limit, auditLimits.pageEntries);
  const rows = await attempt(() => selectWindow(on, { ...window, before: point, limit }));
  if (!rows.ok) return failed(rows.problem);
  const entries = foundEntries(rows.value);
  if (entries === null) return refuse("record-damaged");
  return ok(
    entries.map((entry) => {
      const { logId, place } = entry;
      return { ...entry, cursor: writeCursor({ time: entry.entry.time, logId, seq: place.index }) };
    }),
  );
}

/** The entry at one place of one log; null when there is none. Fails as entriesOfPatients does. */
export async function entryAt(
  on: Queryable,
  place: { readonly logId: number; readonly seq: number },
): Promise<Result<FoundEntry | null>> {
  const row = await attempt(() => selectAt(on, place));
  if (!row.ok) return failed(row.problem);
  if (row.value === null) return ok(null);
  const found = foundEntry(row.value);
  return found === null ? refuse("record-damaged") : ok(found);
}

/** Entries that say one of these resources was written, in no order. Fails as entriesOfPatients does. */
export async function entriesOfWritten(
  on: Queryable,
  asked: WrittenOf,
): Promise<Result<readonly FoundEntry[]>> {
  const rows = await attempt(() => selectWritten(on, asked));
  if (!rows.ok) return failed(rows.problem);
  const entries = foundEntries(rows.value);
  return entries === null ? refuse("record-damaged") : ok(entries);
}

/**
 * The distinct patients of whom one actor, device, client or address was permitted something in a
 * window. Fails as storage-unavailable.
 */
export function patientsTouched(
  on: Queryable,
  window: TraceWindow,
): Promise<Result<readonly TouchedPatient[]>> {
  return attempt(() => selectTouched(on, window));
}

/** The newest checkpoint of a log as its signed note, which anyone may have. Fails as not-found when there is no such log. */
export async function newestCheckpoint(on: Queryable, origin: string): Promise<Result<string>> {
  const note = await attempt(() => selectNewestNote(on, origin));
  if (!note.ok) return note;
  return note.value === null ? refuse("not-found") : ok(note.value);
}
