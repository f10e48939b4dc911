import type { Clock } from "#core/clock.ts";
import { endUnusedLeases, takeUntold, type UntoldLease } from "#identity/offline/lease-store.ts";
import type { Trail } from "#identity/trail.ts";
import type { Database } from "#storage/database.ts";

export interface TellEndedDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly trail: Trail;
}

/** Nobody asked for it at this moment, so nobody's address stands there. */
function happeningOf({ id, device, endReason }: UntoldLease) {
  return {
    action: "account-change" as const,
    facts: null,
    zone: "app" as const,
    actor: "process:identity",
    device,
    resourceId: id,
    reasons: endReason === null ? ["offline-lease-run-out"] : ["offline-lease-ended", endReason],
  };
}

/**
 * Writes to the log which leases have run out or were ended since, whoever ended them and by what:
 * what a device kept under one could be opened there until then. Each at least once, should the log or
 * this process fail in between. Answers how many.
 */
export async function tellEndedLeases({ db, clock, trail }: TellEndedDeps): Promise<number> {
  const now = clock.now();
  await endUnusedLeases(db, now);
  return db.transaction(async (tx) => {
    const leases = await takeUntold(tx, now);
    for (const lease of leases) {
      const unwritten = await trail.note(happeningOf(lease));
      if (unwritten !== null) throw new Error(unwritten.code);
    }
    return leases.length;
  });
}
