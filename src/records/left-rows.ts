import { ok, type Result } from "#core/result.ts";
import type { RecordStore } from "#records/store.ts";
import type { LeftRow, SearchedRow, StoredRow } from "#records/store-rows.ts";

export interface LeftDeps {
  readonly store: Pick<RecordStore, "findWhole">;
}

export const leftLimits = {
  /** Sealed bytes of large resources that are in the clear at one time; one alone may have more. */
  bytesAtOnce: 8 * 1024 * 1024,
} as const;

export const isHere = (row: SearchedRow): row is StoredRow => row.sealed !== null;
export const isLeft = (row: SearchedRow): row is LeftRow => row.sealed === null;

/** Rows that may be in the clear at one time, one after the other. */
export function* inPieces(rows: readonly LeftRow[]): Generator<readonly LeftRow[]> {
  let piece: LeftRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (piece.length > 0 && bytes + row.bytes > leftLimits.bytesAtOnce) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(row);
    bytes += row.bytes;
  }
  if (piece.length > 0) yield piece;
}

/** Their newest versions, which policy and search are asked about, whatever was there a moment before. */
export async function fetchWhole(
  rows: readonly LeftRow[],
  { store }: LeftDeps,
): Promise<Result<readonly StoredRow[]>> {
  const whole: StoredRow[] = [];
  for (const [type, each] of Map.groupBy(rows, (row) => row.type)) {
    const found = await store.findWhole(
      type,
      each.map(({ id }) => id),
    );
    if (!found.ok) return found;
    whole.push(...found.value);
  }
  return ok(whole);
}
