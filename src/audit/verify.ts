import type { AuditEntry } from "#core/audit-entry.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { parseCheckpoint } from "#audit/checkpoint.ts";
import { createFindings, type Finding, type Findings } from "#audit/finding.ts";
import { readTail } from "#audit/log-store.ts";
import type { CheckpointVerifier } from "#audit/note.ts";
import { nodesAtLevel, tileWidth } from "#audit/tile.ts";
import { checkSegment, pageEntries, readPage, trusted, type Run } from "#audit/verify-page.ts";
import { countTiles, findLog, type TileCount } from "#audit/verify-store.ts";
import { createTracker } from "#audit/verify-tree.ts";

export interface VerifyOptions {
  /** Enough to read the log: the role phylax_auditor. */
  readonly db: Queryable;
  readonly origin: string;
  /** All keys that ever signed this log. */
  readonly verifiers: readonly CheckpointVerifier[];
  /** Told after each page; a promise that it gives is awaited. */
  readonly onProgress: (progress: { readonly entries: number; readonly of: number }) => unknown;
  /** Given each entry whose leaf hashes to what was recorded of it, in order. */
  readonly onEntry?: (entry: AuditEntry) => void;
  /**
   * Checkpoints that were kept elsewhere. Only they show that a log was cut short together with
   * its newest checkpoints, or replaced by another that the same key signed.
   */
  readonly remembered?: readonly string[];
}

export interface Verification {
  readonly origin: string;
  /** Rows that were looked at. */
  readonly entries: number;
  readonly checkpoints: number;
  /** Entries, from the first on, that are just as signed. */
  readonly proven: number;
  readonly findings: readonly Finding[];
  /** Findings beyond maxFindings are only counted. */
  readonly findingCount: number;
}

/** Findings that a verification lists. */
export const maxFindings = 1_000;

/** Walks the log once; answers how many checkpoints it met. */
async function checkPages(run: Run, onProgress: VerifyOptions["onProgress"]): Promise<number> {
  let checkpoints = 0;
  let ahead = readPage(run, 0);
  for (let from = 0; from === 0 || from < run.until; from += pageEntries) {
    const page = await ahead;
    const until = Math.min(from + pageEntries, run.until);
    // The database reads the next page while this one is hashed.
    if (until < run.until) ahead = readPage(run, until);
    // It is awaited in the next round only, and may fail before.
    ahead.catch(() => {});
    checkpoints += page.checkpoints;
    for (let at = from; at < until; at += tileWidth) await checkSegment(run, page, at);
    await onProgress({ entries: until, of: run.until });
  }
  run.tracker.end();
  return checkpoints;
}

interface Bounds {
  /** Leaves for which the newest checkpoint vouches. */
  readonly signed: number;
  /** Rows, by the highest index. */
  readonly present: number;
}

function checkBounds({ signed, present }: Bounds, findings: Findings): void {
  if (present < signed) findings.add({ kind: "log-truncated", signed, present });
  if (present > signed) findings.add({ kind: "entries-unsigned", from: signed, until: present });
}

function checkTileCounts(
  counts: readonly TileCount[],
  { signed }: Bounds,
  findings: Findings,
): void {
  for (const { level, tiles } of counts) {
    const count = tiles - nodesAtLevel(signed, level + 1);
    if (count > 0) findings.add({ kind: "tiles-surplus", level, count });
  }
}

/** The roots of the checkpoints that were kept elsewhere. */
async function readRemembered(
  options: VerifyOptions,
  { signed }: Bounds,
  findings: Findings,
): Promise<ReadonlyMap<number, Buffer>> {
  const roots = new Map<number, Buffer>();
  for (const note of options.remembered ?? []) {
    const size = parseCheckpoint(note)?.size ?? 0;
    const known = await trusted({ size, note }, options);
    if (known === null) findings.add({ kind: "checkpoint-invalid", size });
    else if (size > signed) findings.add({ kind: "log-truncated", signed: size, present: signed });
    else roots.set(size, known.root);
  }
  return roots;
}

async function verifyRows(options: VerifyOptions, logId: number): Promise<Verification> {
  const { db, origin, verifiers, onEntry = () => {} } = options;
  const findings = createFindings(maxFindings);
  // Counted before the size is read: what a writer adds in between must not seem to be too many.
  const tileCounts = await countTiles(db, logId);
  const tail = await readTail(db, logId);
  const bounds = { signed: tail.signed, present: tail.entries };
  checkBounds(bounds, findings);
  checkTileCounts(tileCounts, bounds, findings);
  const remembered = await readRemembered(options, bounds, findings);
  const tracker = createTracker(findings);
  const until = Math.min(bounds.signed, bounds.present);
  const run: Run = { db, origin, verifiers, logId, findings, tracker, until, remembered, onEntry };
  const checkpoints = await checkPages(run, options.onProgress);
  return {
    origin,
    entries: bounds.present,
    checkpoints,
    proven: tracker.proven,
    findings: findings.kept,
    findingCount: findings.count,
  };
}

/**
 * Proves a log as it lies in the database: every leaf hashed anew and held against tiles, columns
 * and every signed checkpoint, in memory that does not grow with the log. A log that is being
 * written is proven as far as it went at the start. The log is whole when there is no finding.
 * Fails as not-found when there is no log of this origin, or as storage-unavailable.
 */
export async function verifyLog(options: VerifyOptions): Promise<Result<Verification>> {
  const verified = await attempt(async () => {
    const logId = await findLog(options.db, options.origin);
    return logId === null ? refuse("not-found") : ok(await verifyRows(options, logId));
  });
  return verified.ok ? verified.value : verified;
}
