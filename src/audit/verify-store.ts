import type { Instant } from "#core/clock.ts";
import type { Queryable } from "#storage/database.ts";

/** One entry as it lies in the database: the leaf, and the columns that must agree with it. */
export interface StoredEntry {
  readonly seq: number;
  readonly leaf: Buffer;
  readonly leafHash: Buffer;
  readonly time: Instant;
  readonly action: string;
  readonly decision: string;
  readonly actor: string | null;
  readonly device: string | null;
  readonly client: string | null;
  readonly address: string | null;
  readonly patient: string | null;
  readonly signal: string | null;
  /** As writtenBy tells. */
  readonly written: string | null;
}

/** Part of a log, by leaf index; `until` is not included. */
export interface Stretch {
  readonly logId: number;
  readonly from: number;
  readonly until: number;
}

export async function findLog(on: Queryable, origin: string): Promise<number | null> {
  const [row] = await on.query<{ id: number }>("SELECT id FROM audit.log WHERE origin = $1", [
    origin,
  ]);
  return row?.id ?? null;
}

export async function selectEntries(
  on: Queryable,
  { logId, from, until }: Stretch,
): Promise<readonly StoredEntry[]> {
  return on.query<StoredEntry>({
    name: "audit.verify.entries",
    text: `SELECT seq, leaf, leaf_hash AS "leafHash", time, action, decision,
        actor, device, client, address, patient, signal, written
      FROM audit.entry WHERE log_id = $1 AND seq >= $2 AND seq < $3 ORDER BY seq`,
    values: [logId, from, until],
  });
}

export interface StoredNote {
  readonly size: number;
  readonly note: string;
}

/** Checkpoints of sizes above `from` up to and including `until`. */
export async function selectNotes(
  on: Queryable,
  { logId, from, until }: Stretch,
): Promise<readonly StoredNote[]> {
  return on.query<StoredNote>({
    name: "audit.verify.notes",
    text: `SELECT size, note FROM audit.checkpoint
      WHERE log_id = $1 AND size > $2 AND size <= $3 ORDER BY size`,
    values: [logId, from, until],
  });
}

export interface StoredTile {
  readonly index: number;
  readonly hashes: Buffer;
}

/** Full tiles of a level with indices from `from` on, `until` not included. */
export async function selectTiles(
  on: Queryable,
  level: number,
  { logId, from, until }: Stretch,
): Promise<readonly StoredTile[]> {
  return on.query<StoredTile>({
    name: "audit.verify.tiles",
    text: `SELECT index, hashes FROM audit.tile
      WHERE log_id = $1 AND level = $2 AND index >= $3 AND index < $4`,
    values: [logId, level, from, until],
  });
}

export interface TileCount {
  readonly level: number;
  readonly tiles: number;
}

export async function countTiles(on: Queryable, logId: number): Promise<readonly TileCount[]> {
  return on.query<TileCount>(
    `SELECT level, count(*) AS tiles FROM audit.tile WHERE log_id = $1 GROUP BY level ORDER BY level`,
    [logId],
  );
}
