import { brakeLimits } from "#records/brake/bounds.ts";
import {
  readOtherLogs,
  readShownIn,
  type OtherLog,
  type ShownRow,
} from "#records/brake/shown-store.ts";
import type { Queryable } from "#storage/database.ts";

export interface Tail {
  /** Reads now what was committed before the call. Throws what the driver throws. */
  read(): Promise<void>;
  close(): void;
}

/** One log as far as it goes now; in stretches, as another process may have written much. */
async function readOn(
  db: Queryable,
  { id, head }: OtherLog,
  { points, take }: { points: Map<number, number>; take: (row: ShownRow) => void },
): Promise<void> {
  for (;;) {
    const after = points.get(id);
    if (after === undefined || after >= head) return;
    const rows = await readShownIn(db, { log: id, after, upTo: head });
    rows.forEach(take);
    const last = rows.at(-1);
    const isAll = last === undefined || rows.length < brakeLimits.othersRows;
    points.set(id, isAll ? head : last.seq);
  }
}

/**
 * Tells of what other processes show, every second, from now on: what they showed before is read
 * with whoever it was shown to. A reading that fails is made up for by the next.
 */
export function tailOthers(
  { db, logOrigin }: { readonly db: Queryable; readonly logOrigin: string },
  take: (row: ShownRow) => void,
): Tail {
  const points = new Map<number, number>();
  let isFirst = true;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let under: Promise<void> = Promise.resolve();
  const readAll = async (): Promise<void> => {
    const logs = await readOtherLogs(db, logOrigin);
    for (const log of logs) {
      // A log that was not there before is read from its beginning.
      if (!points.has(log.id)) points.set(log.id, isFirst ? log.head : -1);
      await readOn(db, log, { points, take });
    }
    isFirst = false;
  };
  // One after the other: two at once would tell of the same entries twice.
  const read = (): Promise<void> => {
    under = under.catch(() => {}).then(readAll);
    return under;
  };
  const again = (): void => {
    if (isClosed) return;
    timer = setTimeout(
      () =>
        void read()
          .catch(() => {})
          .then(again),
      brakeLimits.othersMs,
    );
    timer.unref();
  };
  void read()
    .catch(() => {})
    .then(again);
  return {
    read,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
