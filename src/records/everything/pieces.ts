import { ok, type Result } from "#core/result.ts";
import { sizesOf, type Listed } from "#records/everything/listing-store.ts";
import type { Queryable } from "#storage/database.ts";

export const pieceLimits = {
  /** Resources that are in the clear at one time. */
  resources: 250,
  /** Sealed bytes of those together; one that alone is larger is a piece of its own. */
  bytes: 8 * 1024 * 1024,
} as const;

/**
 * A list cut into pieces that may be in the clear at one time: documents of some megabytes each would
 * fill the memory long before they are many. Fails as reading the database does, and ends there.
 */
export async function* piecesOf(
  db: Queryable,
  listed: readonly Listed[],
): AsyncGenerator<Result<readonly Listed[]>, void> {
  for (let from = 0; from < listed.length; from += pieceLimits.resources) {
    const measured = listed.slice(from, from + pieceLimits.resources);
    const sizes = await sizesOf(db, measured);
    if (!sizes.ok) {
      yield sizes;
      return;
    }
    let piece: Listed[] = [];
    let bytes = 0;
    for (const [at, each] of measured.entries()) {
      const size = sizes.value[at] ?? 0;
      if (piece.length > 0 && bytes + size > pieceLimits.bytes) {
        yield ok(piece);
        piece = [];
        bytes = 0;
      }
      piece.push(each);
      bytes += size;
    }
    yield ok(piece);
  }
}
