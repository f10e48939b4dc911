import type { Log } from "#audit/log.ts";
import type { Clock, Instant } from "#core/clock.ts";
import type { AccountId, Pseudonym } from "#core/ids.ts";
import { readStanding, type StandingRow } from "#records/break-glass/opening-store.ts";
import { keepFresh } from "#records/kept-fresh.ts";
import type { Work, WriteOutcome } from "#records/write-plan.ts";
import type { Queryable } from "#storage/database.ts";

/** Which charts are open in an emergency, in memory: policy is decided at once. */
export interface StandingOpenings {
  /**
   * The id of the opening by which this person may look into one of these charts; null when there
   * is none, or when what is known is too old to stand on.
   */
  idOf(account: AccountId, charts: readonly Pseudonym[], at: Instant): string | null;
  /** Reads what was committed before the call. */
  catchUp(): Promise<void>;
  close(): void;
}

type Standing = ReadonlyMap<string, readonly StandingRow[]>;

/** Reads all, and again every quarter of a second. Resolves after the first attempt. */
export async function openStandingOpenings({
  db,
  clock,
}: {
  readonly db: Queryable;
  readonly clock: Clock;
}): Promise<StandingOpenings> {
  let standing: Standing = new Map();
  const kept = await keepFresh(async () => {
    const rows = await readStanding(db, clock.now());
    standing = Map.groupBy(rows, ({ account }) => account);
  }, clock);
  return {
    idOf: (account, charts, at) => {
      const own = standing.get(account);
      if (own === undefined || kept.isStale()) return null;
      const holds = own.find((row) => at < row.endsAt && charts.includes(row.compartment));
      return holds?.id ?? null;
    },
    catchUp: () => kept.catchUp(),
    close: () => kept.close(),
  };
}

type RecordsLog = Pick<Log<Work, WriteOutcome>, "submit">;

/** The log, answering for an opening only when this process goes by it. */
export function awaitingOpenings(
  log: RecordsLog,
  known: Pick<StandingOpenings, "catchUp">,
): RecordsLog {
  return {
    submit: async (submission) => {
      const accepted = await log.submit(submission);
      const { work } = submission;
      if (accepted.ok && work !== undefined && "kind" in work && work.kind === "break-glass")
        await known.catchUp();
      return accepted;
    },
  };
}
