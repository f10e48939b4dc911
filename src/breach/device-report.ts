import { readLeaf } from "#audit/leaf.ts";
import type { AuditAction, AuditEntry } from "#core/audit-entry.ts";
import { parseInstant, toIso, type Clock, type Instant } from "#core/clock.ts";
import { invariant } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";
import {
  deviceEntries,
  newestCheckpoints,
  patientIds,
  type DeviceEntryRow,
} from "#breach/device-store.ts";
import { offlineCopies, type OfflineCopy } from "#breach/offline-copies.ts";
import type { Window } from "#breach/question.ts";

/** One kind of thing that was done with one kind of data of one patient. */
export interface ShownKind {
  readonly action: AuditAction;
  readonly resourceType: string | null;
  /** FHIR resource types and sensitivity labels. */
  readonly categories: readonly string[];
  readonly entries: number;
  /** Resources shown or written. */
  readonly resources: number;
  readonly first: string;
  readonly last: string;
  /** Where the first and the last stand: `origin#index`. */
  readonly firstPlace: string;
  readonly lastPlace: string;
}

export interface ShownPatient {
  /** Pseudonym under which she stands in the log. */
  readonly patient: string;
  /** FHIR id, where the log tells it. */
  readonly id: string | null;
  readonly accounts: readonly string[];
  readonly first: string;
  readonly last: string;
  readonly entries: number;
  readonly resources: number;
  readonly shown: readonly ShownKind[];
}

/** What PHI a device was let at and when, as the log has it. Times are ISO 8601, UTC. */
export interface DeviceReport {
  readonly kind: "phylax-device-report";
  readonly version: 1;
  readonly madeAt: string;
  readonly devices: readonly string[];
  readonly lostAt: string | null;
  readonly from: string | null;
  readonly until: string | null;
  readonly totals: {
    readonly patients: number;
    readonly entries: number;
    readonly resources: number;
    /** Entries of the device that cannot be read: the log was damaged. */
    readonly unreadable: number;
  };
  /** In the order in which the device first saw them. */
  readonly patients: readonly ShownPatient[];
  /** Summaries that it kept for a time without a connection, whatever the window. */
  readonly offline: readonly OfflineCopy[];
  /** Signed notes (C2SP tlog-checkpoint) of the logs that this was computed from. */
  readonly checkpoints: readonly string[];
}

export interface DeviceQuestion {
  /** The ids under which the device stands in the log: one for each account that used it. */
  readonly devices: readonly string[];
  readonly lostAt: string | null;
  readonly window: Window;
}

export interface DeviceReportDeps {
  /** As a role that may read all logs. */
  readonly db: Queryable;
  readonly clock: Clock;
}

interface KindBook {
  action: AuditAction;
  resourceType: string | null;
  categories: Set<string>;
  entries: number;
  resources: number;
  first: Instant;
  last: Instant;
  firstPlace: string;
  lastPlace: string;
}

interface PatientBook {
  readonly accounts: Set<string>;
  readonly kinds: Map<string, KindBook>;
}

/** Keys are fetched on behalf of a reading, which has an entry of its own. */
const isAboutKeys = ({ action }: AuditEntry): boolean =>
  action === "unwrap" || action === "key-create";

function enter(book: PatientBook, entry: AuditEntry, place: string): void {
  const { action, resourceType, categories, count, time, actor } = entry;
  if (actor !== null) book.accounts.add(actor);
  const name = `${action} ${resourceType ?? ""}`;
  const known = book.kinds.get(name);
  if (known === undefined) {
    const both = { first: time, last: time, firstPlace: place, lastPlace: place };
    const kind = { action, resourceType, categories: new Set(categories), ...both };
    book.kinds.set(name, { ...kind, entries: 1, resources: count });
    return;
  }
  for (const category of categories) known.categories.add(category);
  known.entries += 1;
  known.resources += count;
  known.last = time;
  known.lastPlace = place;
}

const printedKind = ({ categories, first, last, ...kind }: KindBook): ShownKind => ({
  ...kind,
  categories: [...categories].sort(),
  first: toIso(first),
  last: toIso(last),
});

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

function printedPatient(
  patient: string,
  { accounts, kinds }: PatientBook,
  id: string | null,
): ShownPatient {
  const shown = [...kinds.values()].map(printedKind);
  const [first] = shown.map((kind) => kind.first).toSorted();
  const last = shown
    .map((kind) => kind.last)
    .toSorted()
    .at(-1);
  invariant(first !== undefined && last !== undefined, "a patient in the report has an entry");
  return {
    patient,
    id,
    accounts: [...accounts].sort(),
    first,
    last,
    entries: sumOf(shown.map((kind) => kind.entries)),
    resources: sumOf(shown.map((kind) => kind.resources)),
    shown,
  };
}

function instantAt(ms: number): Instant {
  const at = parseInstant(ms);
  invariant(at !== null, "a window lies within the bounds of time");
  return at;
}

/** Every time that an entry may have lies between (ECMA-262 §21.4.1.1). */
const allTime = { from: instantAt(-8.64e15), until: instantAt(8.64e15) };

/** Patients by pseudonym: memory grows with them, not with how much each was looked at. */
async function booksOf(
  { devices, window }: DeviceQuestion,
  { db }: DeviceReportDeps,
): Promise<{ readonly books: ReadonlyMap<string, PatientBook>; readonly unreadable: number }> {
  const books = new Map<string, PatientBook>();
  let unreadable = 0;
  const take = ({ leaf, origin, seq }: DeviceEntryRow): void => {
    const entry = readLeaf(leaf);
    if (entry === null || entry.patient === null) {
      unreadable += 1;
      return;
    }
    if (isAboutKeys(entry)) return;
    const book = books.get(entry.patient) ?? { accounts: new Set(), kinds: new Map() };
    books.set(entry.patient, book);
    enter(book, entry, `${origin}#${seq}`);
  };
  const from = window.from ?? allTime.from;
  // The window's end is not included.
  const until = window.until === null ? allTime.until : instantAt(window.until - 1);
  for await (const page of deviceEntries(db, { devices, from, until })) page.forEach(take);
  return { books, unreadable };
}

/**
 * Computes from the log alone what a device was let at. Whatever it was shown counts, whether or
 * not anybody looked: a session is no safe harbour. Throws what the driver throws.
 */
export async function deviceReport(
  question: DeviceQuestion,
  deps: DeviceReportDeps,
): Promise<DeviceReport> {
  const { books, unreadable } = await booksOf(question, deps);
  const ids = await patientIds(deps.db, [...books.keys()]);
  const patients = [...books].map(([patient, book]) =>
    printedPatient(patient, book, ids.get(patient) ?? null),
  );
  const iso = (at: Instant | null): string | null => (at === null ? null : toIso(at));
  return {
    kind: "phylax-device-report",
    version: 1,
    madeAt: toIso(deps.clock.now()),
    devices: question.devices,
    lostAt: question.lostAt,
    from: iso(question.window.from),
    until: iso(question.window.until),
    totals: {
      patients: patients.length,
      entries: sumOf(patients.map(({ entries }) => entries)),
      resources: sumOf(patients.map(({ resources }) => resources)),
      unreadable,
    },
    patients,
    offline: await offlineCopies(deps.db, question.devices),
    // Read last, so that they vouch for every entry above.
    checkpoints: await newestCheckpoints(deps.db),
  };
}
