import { parseInstant, type Clock, type Instant } from "#core/clock.ts";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import type { KeyLogLine } from "#keys/log-line.ts";
import type { KeyLogWindow } from "#keys/key-log.ts";
import type { Queryable } from "#storage/database.ts";
import { openSpill, type Spill } from "#storage/spill.ts";
import { openDossier, type Dossier, type JudgeDeps } from "#breach/dossier.ts";
import { createEpochStarts, type EpochStart } from "#breach/epoch-starts.ts";
import type { Evidence } from "#breach/evidence.ts";
import {
  keyEntries,
  keyRows,
  organisationEntries,
  rotationLeaves,
  shreddedRows,
  type CompartmentRange,
  type TimeRange,
} from "#breach/exposure-store.ts";
import { isOthers, partCount, partOf, rangeOf } from "#breach/parts.ts";
import { spanOfQuestion, type ExposureQuestion } from "#breach/question.ts";
import type { KeyFacts, Shredding, Sighting } from "#breach/sighting.ts";
import {
  entrySighting,
  lineSightings,
  parseSighting,
  printSighting,
  rotationOf,
  rowSighting,
} from "#breach/sources.ts";

export type { ExposureQuestion, Window } from "#breach/question.ts";
export type { Evidence, Mark } from "#breach/evidence.ts";

/** One compartment whose key was exposed, with all that speaks for it. */
export interface Exposed {
  /** A patient's pseudonym, "organisation" or "identity". */
  readonly compartment: string;
  /** Null when it is no patient's. */
  readonly patient: Pseudonym | null;
  /** When the patient's keys were destroyed; she stays counted. */
  readonly shreddedAt: Instant | null;
  readonly evidence: readonly Evidence[];
}

export interface ExposureDeps {
  /** The role phylax_auditor. */
  readonly db: Queryable;
  /** The keys process's own log. */
  readonly keyLog: (window: KeyLogWindow) => AsyncIterable<KeyLogLine>;
  /** On which host the process ran that wrote the log of this origin; null when that is unknown. */
  readonly hostOf: (origin: string) => string | null;
  /** The epochs that the key ring has, and when each began. */
  readonly epochs: readonly EpochStart[];
  /** The longest that a key stays in memory after it came there. */
  readonly residenceMs: number;
  readonly clock: Clock;
  /** An existing folder, for what does not fit into memory. */
  readonly scratch: string;
  readonly onProgress?: (parts: number, of: number) => void;
  /** Told of each entry about a key that cannot be read: it speaks for nothing. */
  readonly onUnreadable?: (place: string) => void;
}

/** The times of records that a question needs. */
function timesOf(question: ExposureQuestion, residenceMs: number): TimeRange {
  const { from, until } = spanOfQuestion(question);
  // Under which epoch a key was, records before and after the window tell as well.
  const bounded = question.kind === "host";
  return {
    from: bounded ? instantOf(from - residenceMs) : beginning,
    until: bounded ? instantOf(until) : end,
  };
}

const endOfTimeMs = 8.64e15;
const instantOf = (ms: number): Instant => {
  const found = parseInstant(Math.max(-endOfTimeMs, Math.min(endOfTimeMs, Math.trunc(ms))));
  if (found === null) throw new RangeError("a bounded number of milliseconds is a time");
  return found;
};
const beginning = instantOf(-endOfTimeMs);
const end = instantOf(endOfTimeMs);

interface Work {
  readonly question: ExposureQuestion;
  readonly deps: ExposureDeps;
  readonly judge: JudgeDeps;
  readonly times: TimeRange;
  /** The key log's sightings, by part. */
  readonly spill: Spill;
}

/** The log of the keys process is in the order of time: it is read once, and sorted by part. */
async function spillKeyLog({ question, deps, times, spill }: Work): Promise<void> {
  const only = question.kind === "key" ? question.compartment : null;
  for await (const line of deps.keyLog({ from: times.from, to: times.until })) {
    for (const sighting of lineSightings(line))
      if (only === null || sighting.compartment === only)
        spill.add(partOf(sighting.compartment), printSighting(sighting));
    await spill.settle();
  }
}

async function* entriesOf({ deps, times }: Work, part: number, range: CompartmentRange) {
  const pages = isOthers(part)
    ? organisationEntries(deps.db, times)
    : keyEntries(deps.db, range, times);
  for await (const page of pages)
    for (const row of page) {
      const sighting = entrySighting(row, deps.hostOf);
      if (sighting === null) deps.onUnreadable?.(`${row.origin}#${row.seq}`);
      else yield sighting;
    }
}

/** All of one part, gathered by compartment. */
interface Part {
  readonly dossiers: ReadonlyMap<string, Dossier>;
  readonly factsOf: (compartment: string) => KeyFacts;
}

async function readPart(work: Work, part: number, range: CompartmentRange): Promise<Part> {
  const { question, deps, judge, spill } = work;
  const dossiers = new Map<string, Dossier>();
  const only = question.kind === "key" ? question.compartment : null;
  const add = (sighting: Sighting): void => {
    const { compartment } = sighting;
    if (only !== null && compartment !== only) return;
    const dossier = dossiers.get(compartment) ?? openDossier(question, judge);
    dossiers.set(compartment, dossier);
    dossier.add(sighting);
  };
  for await (const sighting of entriesOf(work, part, range)) add(sighting);
  for (const line of await spill.read(part)) add(parseSighting(line));
  const born = new Map<string, Map<number, Instant>>();
  for await (const page of keyRows(deps.db, range))
    for (const row of page) {
      add(rowSighting(row, deps.clock.now()));
      const versions = born.get(row.compartment) ?? new Map<number, Instant>();
      born.set(row.compartment, versions.set(row.dekVersion, row.createdAt));
    }
  const shredded = await shreddingsOf(deps.db, range);
  const factsOf = (compartment: string): KeyFacts => ({
    bornAt: born.get(compartment) ?? new Map<number, Instant>(),
    shredding: shredded.get(compartment) ?? null,
  });
  return { dossiers, factsOf };
}

async function shreddingsOf(
  db: Queryable,
  range: CompartmentRange,
): Promise<ReadonlyMap<string, Shredding>> {
  const rows = await shreddedRows(db, range);
  return new Map(rows.map(({ compartment, ...shredding }) => [compartment, shredding]));
}

function* judged({ dossiers, factsOf }: Part): Generator<Exposed> {
  for (const compartment of [...dossiers.keys()].sort()) {
    const facts = factsOf(compartment);
    const evidence = dossiers.get(compartment)?.close(facts) ?? [];
    if (evidence.length === 0) continue;
    const patient = parsePseudonym(compartment);
    yield { compartment, patient, shreddedAt: facts.shredding?.at ?? null, evidence };
  }
}

async function* walk(work: Work): AsyncGenerator<Exposed> {
  const { question, deps } = work;
  await spillKeyLog(work);
  if (question.kind === "key") {
    const { compartment } = question;
    const range = { from: compartment, until: compartment };
    yield* judged(await readPart(work, partOf(compartment), range));
    return;
  }
  for (let part = 0; part < partCount; part += 1) {
    yield* judged(await readPart(work, part, rangeOf(part)));
    deps.onProgress?.(part + 1, partCount);
  }
}

async function startsOf({ db, epochs }: ExposureDeps): Promise<readonly EpochStart[]> {
  const rotations = (await rotationLeaves(db)).map(rotationOf).filter((each) => each !== null);
  return [...epochs, ...rotations];
}

/**
 * The compartments that the loss in question exposes, in the order of their names, from every
 * record there is: the log's entries, the key table as it is now, and the log of the keys process.
 * Where no record excludes that a key was exposed, it counts as exposed. Memory does not grow with
 * the number of patients nor with the length of the logs. Throws the driver's error when the
 * database fails, and what the file system throws.
 */
export async function* exposureOf(
  question: ExposureQuestion,
  deps: ExposureDeps,
): AsyncGenerator<Exposed> {
  if (question.kind === "backup" && question.epoch === null) return;
  const epochSince = createEpochStarts(await startsOf(deps));
  const judge: JudgeDeps = { residenceMs: deps.residenceMs, epochSince };
  const times = timesOf(question, deps.residenceMs);
  const spill = await openSpill(deps.scratch, partCount);
  try {
    yield* walk({ question, deps, judge, times, spill });
  } finally {
    await spill.remove();
  }
}
