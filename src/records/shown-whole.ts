import { problem } from "#core/problem.ts";
import { openRows, type Opening, type OpeningDeps } from "#records/opening.ts";
import type { Seen } from "#records/seeing.ts";
import type { RecordStore } from "#records/store.ts";
import { bytesOf } from "#records/store-rows.ts";
import type { Visit } from "#records/visit.ts";

export const shownLimits = {
  /** Sealed bytes of the matches of one page; a match that alone has more is a page of its own. */
  pageBytes: 8 * 1024 * 1024,
} as const;

/** Sealed bytes of all of these. */
export function bytesOfSeen(seen: readonly Seen[]): number {
  let bytes = 0;
  for (const { opened } of seen) bytes += bytesOf(opened.row);
  return bytes;
}

/** As many of the first as shownLimits.pageBytes allows, and one at least where there is one. */
export function withinPageBytes<S extends Seen>(seen: readonly S[]): readonly S[] {
  let bytes = 0;
  const past = seen.findIndex(({ opened }, at) => {
    bytes += bytesOf(opened.row);
    return at > 0 && bytes > shownLimits.pageBytes;
  });
  return past === -1 ? seen : seen.slice(0, past);
}

export interface WholeDeps extends OpeningDeps {
  readonly store: Pick<RecordStore, "version">;
}

/** A resource with the text that it is shown by. */
export type Whole<S extends Seen> = S & { readonly text: string };

export type Wholes<S extends Seen> =
  | { readonly ok: true; readonly value: readonly Whole<S>[] }
  | Extract<Opening, { ok: false }>;

/**
 * Fetches the texts that were set aside, of the very versions that were seen, as of them it was
 * decided. The caller must have seen to it that all together fit into memory. Fails as opening does.
 */
export async function wholeOf<S extends Seen>(
  seen: readonly S[],
  deps: WholeDeps,
  visit: Visit,
): Promise<Wholes<S>> {
  const value: Whole<S>[] = [];
  for (const each of seen) {
    const { row, text } = each.opened;
    if (text !== null) {
      value.push({ ...each, text });
      continue;
    }
    const found = await deps.store.version(row, visit.asker);
    if (!found.ok) return { ...found, row: null };
    const opening = await openRows(found.value.rows, deps, visit);
    if (!opening.ok) return opening;
    const [opened] = opening.value;
    if (opened === undefined) return { ok: false, problem: problem("record-damaged"), row: null };
    value.push({ ...each, text: opened.text });
  }
  return { ok: true, value };
}
