import { type Found, readJsonFile } from "#cli/import/bundle.ts";
import {
  type Courier,
  createCourier,
  type ImportAnswer,
  type Parcel,
  type Send,
} from "#cli/import/courier.ts";
import type { Entry, Place } from "#cli/import/entry.ts";
import { createProviderDirectory, linked, type ProviderDirectory } from "#cli/import/links.ts";
import { importLimits } from "#cli/import/limits.ts";
import { readNdjsonFile } from "#cli/import/ndjson.ts";
import { findSources, type SourceFile } from "#cli/import/sources.ts";
import { openTally, type ImportSummary, type Tally } from "#cli/import/summary.ts";
import type { Clock } from "#core/clock.ts";
import { problem, type Problem } from "#core/problem.ts";

/** How far an import is. The number of entries to come is reckoned from the bytes read so far. */
export interface ImportProgress {
  readonly entries: number;
  readonly expectedEntries: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface ImportDeps {
  /** Files, or directories with .json and .ndjson files. */
  readonly paths: readonly string[];
  readonly send: Send;
  /** Called after each answered line; whoever shows it decides how often. */
  readonly progress: (progress: ImportProgress) => void;
  /** Stop at the first entry that does not go in. */
  readonly strict: boolean;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Entries of a file that were refused because their patient was not there yet. */
interface Missing {
  count: number;
  readonly of: Map<SourceFile, Set<number>>;
}

interface Round {
  readonly deps: ImportDeps;
  readonly tally: Tally;
  readonly providers: ProviderDirectory;
  readonly totalBytes: number;
  /** Null in the last round, in which a missing reference is final. */
  readonly missing: Missing | null;
  /** Entries to read; null for all. */
  readonly only: ReadonlyMap<SourceFile, ReadonlySet<number>> | null;
}

/**
 * Imports everything under the paths: what can be read goes in, what cannot is reported. Entries
 * whose patient came later are tried once more at the end. Stops when the server cannot be reached,
 * with the reason in `stopped`; starting again goes on, as what is there already is unchanged.
 */
export async function importPaths(deps: ImportDeps): Promise<ImportSummary> {
  const startedAt = deps.clock.monotonicMs();
  const tally = openTally();
  const { files, problems } = await findSources(deps.paths);
  for (const found of problems) tally.bad({ file: found.file, entry: 0 }, found.problem);
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const missing: Missing = { count: 0, of: new Map() };
  const common = { deps, tally, providers: createProviderDirectory(), totalBytes };
  let stopped: Problem | null = null;
  if (!isOver(deps, tally)) stopped = await sendRound({ ...common, missing, only: null }, files);
  if (stopped === null && missing.count > 0 && !isOver(deps, tally)) {
    const again = files.filter((file) => missing.of.has(file));
    stopped = await sendRound({ ...common, missing: null, only: missing.of }, again);
  }
  return tally.summary(files.length, stopped, (deps.clock.monotonicMs() - startedAt) / 1_000);
}

function isOver({ strict }: ImportDeps, tally: Tally): boolean {
  return strict && tally.hasProblem();
}

/** Reads and sends the files one after the other. Null, or why sending failed for good. */
async function sendRound(round: Round, files: readonly SourceFile[]): Promise<Problem | null> {
  const { deps, tally } = round;
  const courier = createCourier({
    send: deps.send,
    sleep: deps.sleep,
    answered: (parcel, answer) => {
      takeAnswer(round, parcel, answer);
      if (isOver(deps, tally)) courier.stop();
      report(round, parcel.bytesRead);
    },
  });
  let bytesBefore = 0;
  for (const file of files) {
    if (!(await sendFile(round, file, bytesBefore, courier))) break;
    bytesBefore += file.bytes;
  }
  return courier.settle();
}

async function sendFile(
  round: Round,
  file: SourceFile,
  bytesBefore: number,
  courier: Courier,
): Promise<boolean> {
  const { providers, only, tally, deps } = round;
  const wanted = only?.get(file) ?? null;
  const read = file.format === "json" ? readJsonFile : readNdjsonFile;
  for await (const found of read(file, providers)) {
    if (wanted !== null && !wanted.has(found.place.entry)) continue;
    if (only === null) tally.read();
    const entry = prepared(round, file, found);
    const bytesRead = bytesBefore + found.bytesRead;
    const parcel = { place: found.place, source: file, bytesRead };
    if (entry !== null && !(await courier.put(parcel, entry))) return false;
    if (isOver(deps, tally)) return false;
  }
  return true;
}

/** What is to be sent of an entry; null when it is counted already, or put off. */
function prepared(round: Round, source: SourceFile, found: Found): Entry | null {
  const { providers, tally } = round;
  const { place, entry, links } = found;
  if (!entry.ok) {
    tally.refused(place, entry.problem);
    return null;
  }
  // Files of patients repeat their providers, often in less detail than the providers' own file.
  if (!source.providers && providers.brought(entry.value)) {
    tally.answered("unchanged");
    return null;
  }
  const ready = linked(entry.value, links, providers);
  if (ready.ok) return ready.value;
  putOff(round, source, place, ready.problem);
  return null;
}

function takeAnswer(round: Round, { place, source }: Parcel, answer: ImportAnswer): void {
  if (answer.outcome !== "refused") {
    round.tally.answered(answer.outcome);
    return;
  }
  const { code = "unexpected", detail, at } = answer;
  const found = problem(code, {
    ...(detail === undefined ? {} : { detail }),
    ...(at === undefined ? {} : { at }),
  });
  if (code === "reference-missing") putOff(round, source, place, found);
  else round.tally.refused(place, found);
}

/** What was missing may be in a file that comes later. */
function putOff({ missing, tally }: Round, file: SourceFile, place: Place, found: Problem): void {
  if (missing === null || missing.count >= importLimits.secondTries) {
    tally.refused(place, found);
    return;
  }
  const entries = missing.of.get(file) ?? new Set();
  missing.of.set(file, entries.add(place.entry));
  missing.count += 1;
}

function report({ deps, tally, totalBytes, only }: Round, bytes: number): void {
  if (only !== null) return;
  const entries = tally.settled();
  const expectedEntries =
    bytes === 0 ? entries : Math.max(entries, Math.round((entries * totalBytes) / bytes));
  deps.progress({ entries, expectedEntries, bytes, totalBytes });
}
