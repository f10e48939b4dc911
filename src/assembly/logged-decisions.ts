import { entriesInWindow, entryAt, type FoundEntry } from "#audit/queries.ts";
import { auditLimits } from "#audit/limits.ts";
import type { Instant } from "#core/clock.ts";
import { ok, type Result } from "#core/result.ts";
import { openDatabase, type Database } from "#storage/database.ts";
import { connectionOf } from "#assembly/database.ts";
import type { Home, Settings } from "#assembly/home.ts";

interface Deployment {
  readonly home: Home;
  readonly settings: Settings;
}

async function asAuditor<T>(
  { home, settings }: Deployment,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const connection = connectionOf(home, "phylax_auditor");
  const db = openDatabase({ connection, tenant: settings.tenant, maxConnections: 1 });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

export interface LoggedDecisions {
  readonly entries: number;
  /** How often each class of attributes was decided. */
  readonly decided: ReadonlyMap<string, number>;
}

/** What policy decided in a stretch of time, newest first; `onTime` is told how far back it is. */
export function loggedDecisions(
  deployment: Deployment,
  { from, to }: { readonly from: Instant; readonly to: Instant },
  onTime: (at: Instant) => void,
): Promise<Result<LoggedDecisions>> {
  return asAuditor(deployment, async (db) => {
    const decided = new Map<string, number>();
    let entries = 0;
    let before: string | null = null;
    for (;;) {
      const asked = { scope: { kind: "all" }, from, to, before } as const;
      const page = await entriesInWindow(db, { ...asked, limit: auditLimits.pageEntries });
      if (!page.ok) return page;
      for (const { entry } of page.value)
        for (const line of entry.decided) decided.set(line, (decided.get(line) ?? 0) + 1);
      entries += page.value.length;
      const last = page.value.at(-1);
      if (last === undefined || page.value.length < auditLimits.pageEntries)
        return ok({ entries, decided });
      onTime(last.entry.time);
      before = last.cursor;
    }
  });
}

/** One entry of the log; null when there is none at that place. */
export const loggedEntry = (
  deployment: Deployment,
  place: { readonly logId: number; readonly seq: number },
): Promise<Result<FoundEntry | null>> => asAuditor(deployment, (db) => entryAt(db, place));
