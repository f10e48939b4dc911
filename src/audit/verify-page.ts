import type { AuditEntry } from "#core/audit-entry.ts";
import type { Queryable } from "#storage/database.ts";
import { parseCheckpoint, type Checkpoint } from "#audit/checkpoint.ts";
import type { Findings } from "#audit/finding.ts";
import { readLeaf } from "#audit/leaf.ts";
import { emptyRoot, leafHash } from "#audit/merkle.ts";
import { isSigned, type CheckpointVerifier } from "#audit/note.ts";
import { parseTile, tileBytes, tileWidth, type Tile } from "#audit/tile.ts";
import {
  selectEntries,
  selectNotes,
  selectTiles,
  type StoredEntry,
  type StoredNote,
} from "#audit/verify-store.ts";
import type { LeafRun, Tracker } from "#audit/verify-tree.ts";
import { writtenBy } from "#audit/written.ts";

/** Entries that are read and held in memory at a time. */
export const pageEntries = 16 * tileWidth;

/** The circumstances of one verification. */
export interface Run {
  readonly db: Queryable;
  readonly origin: string;
  readonly verifiers: readonly CheckpointVerifier[];
  readonly logId: number;
  readonly findings: Findings;
  readonly tracker: Tracker;
  /** Leaves that are looked at: those that are there and were signed. */
  readonly until: number;
  /** Roots from checkpoints that were kept elsewhere, by size. */
  readonly remembered: ReadonlyMap<number, Buffer>;
  /** Given each entry whose leaf hashes to what was recorded of it. */
  readonly onEntry: (entry: AuditEntry) => void;
}

const columns = [
  "time",
  "action",
  "decision",
  "actor",
  "device",
  "client",
  "address",
  "patient",
  "signal",
] as const satisfies readonly (keyof AuditEntry & keyof StoredEntry)[];

/** Holds the columns against the leaf; it was found before that the leaf is the one recorded. */
function checkColumns(row: StoredEntry, { findings, onEntry }: Run): void {
  const { seq: index } = row;
  const entry = readLeaf(row.leaf);
  if (entry === null) {
    findings.add({ kind: "leaf-unreadable", index });
    return;
  }
  for (const column of columns)
    if (row[column] !== entry[column]) findings.add({ kind: "column-changed", index, column });
  if (row.written !== writtenBy(entry))
    findings.add({ kind: "column-changed", index, column: "written" });
  onEntry(entry);
}

export interface Page {
  readonly rows: ReadonlyMap<number, StoredEntry>;
  /** Leaf hashes of the full tiles at the foot, by tile index. */
  readonly tiles: ReadonlyMap<number, readonly Buffer[]>;
  /** Roots that were signed, by size. */
  readonly roots: ReadonlyMap<number, Buffer>;
  readonly checkpoints: number;
}

/** A checkpoint that a known key signed for this log and size; null for any other. */
export async function trusted(
  { size, note }: StoredNote,
  { origin, verifiers }: Pick<Run, "origin" | "verifiers">,
): Promise<Checkpoint | null> {
  const checkpoint = parseCheckpoint(note);
  if (checkpoint === null || checkpoint.size !== size || checkpoint.origin !== origin) return null;
  return (await isSigned(checkpoint.note, verifiers)) ? checkpoint : null;
}

async function signedRoots(notes: readonly StoredNote[], run: Run): Promise<Map<number, Buffer>> {
  const checked = await Promise.all(notes.map((note) => trusted(note, run)));
  const roots = new Map<number, Buffer>();
  notes.forEach(({ size }, at) => {
    const checkpoint = checked[at] ?? null;
    if (checkpoint === null || (size === 0 && !checkpoint.root.equals(emptyRoot)))
      run.findings.add({ kind: "checkpoint-invalid", size });
    else roots.set(size, checkpoint.root);
  });
  return roots;
}

export async function readPage(run: Run, from: number): Promise<Page> {
  const until = Math.min(from + pageEntries, run.until);
  const stretch = { logId: run.logId, from, until };
  // A checkpoint vouches for the leaves before its size, so one of size 0 goes with the first page.
  const sizes = { ...stretch, from: from === 0 ? -1 : from };
  const tileStretch = { ...stretch, from: from / tileWidth, until: Math.ceil(until / tileWidth) };
  const [rows, tiles, notes] = await Promise.all([
    selectEntries(run.db, stretch),
    selectTiles(run.db, 0, tileStretch),
    selectNotes(run.db, sizes),
  ]);
  return {
    rows: new Map(rows.map((row) => [row.seq, row])),
    tiles: new Map(tiles.map(({ index, hashes }) => [index, parseTile(hashes) ?? []])),
    roots: await signedRoots(notes, run),
    checkpoints: notes.length,
  };
}

/** Both hashes of each leaf in a tile's width, and the columns of leaves that are as recorded. */
function readRun(run: Run, page: Page, from: number, until: number): LeafRun {
  const tile = page.tiles.get(from / tileWidth);
  if (until - from === tileWidth && tile === undefined)
    run.findings.add({ kind: "tile-changed", level: 0, index: from / tileWidth });
  const stored: (Buffer | null)[] = [];
  const recorded: (Buffer | null)[] = [];
  for (let index = from; index < until; index += 1) {
    const row = page.rows.get(index);
    const hash = row === undefined ? null : leafHash(row.leaf);
    const record = tile?.[index - from] ?? row?.leafHash ?? null;
    stored.push(hash);
    recorded.push(record);
    if (row === undefined || hash === null || record === null || !hash.equals(record)) continue;
    checkColumns(row, run);
    if (!row.leafHash.equals(hash))
      run.findings.add({ kind: "column-changed", index, column: "leaf_hash" });
  }
  return { from, stored, recorded, byTile: tile !== undefined };
}

async function checkTile(run: Run, { level, index, hashes }: Tile): Promise<void> {
  const stretch = { logId: run.logId, from: index, until: index + 1 };
  const [stored] = await selectTiles(run.db, level, stretch);
  if (stored === undefined || !stored.hashes.equals(tileBytes(hashes)))
    run.findings.add({ kind: "tile-changed", level, index });
}

/** Feeds a tile's width of leaves to the tracker, stopping at each checkpoint in it. */
export async function checkSegment(run: Run, page: Page, from: number): Promise<void> {
  const until = Math.min(from + tileWidth, run.until);
  const whole = readRun(run, page, from, until);
  let done = from;
  for (let size = from + 1; size <= until; size += 1) {
    const roots = [page.roots.get(size), run.remembered.get(size)].filter(
      (root) => root !== undefined,
    );
    if (roots.length === 0 && size < until) continue;
    const [start, end] = [done - from, size - from];
    const part = {
      ...whole,
      from: done,
      stored: whole.stored.slice(start, end),
      recorded: whole.recorded.slice(start, end),
    };
    for (const tile of run.tracker.add(part)) await checkTile(run, tile);
    roots.forEach((root) => run.tracker.check(root));
    done = size;
  }
}
