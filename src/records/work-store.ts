import { invariant, unreachable } from "#core/result.ts";
import { writeAccessRequest } from "#records/access-requests/register-store.ts";
import { writeBreakGlass } from "#records/break-glass/opening-store.ts";
import { storeDecision } from "#records/matching/merge-store.ts";
import { writeResealed } from "#records/reseal-store.ts";
import type { Work, WriteGroup, WriteOutcome } from "#records/write-plan.ts";
import { writeRecords, type WriteDeps } from "#records/write-store.ts";
import type { Queryable } from "#storage/database.ts";

type OneWork = Exclude<Work, WriteGroup>;

function performOne(tx: Queryable, work: OneWork): Promise<WriteOutcome> {
  switch (work.kind) {
    case "reseal":
      return writeResealed(tx, work);
    case "access-request":
      return writeAccessRequest(tx, work);
    case "break-glass":
      return writeBreakGlass(tx, work);
    default:
      return unreachable(work);
  }
}

/**
 * Makes the log's `alongside`: all written groups of a flush at once, then the others one by one.
 * Throws as writing does; the transaction then leaves nothing.
 */
export function performWorks(
  deps: WriteDeps,
): (tx: Queryable, works: readonly Work[]) => Promise<readonly WriteOutcome[]> {
  const write = writeRecords(deps);
  return async (tx, works) => {
    const groups = works.filter((work): work is WriteGroup => !("kind" in work));
    const written = groups.length === 0 ? [] : await write(tx, groups);
    const outcomeOf = new Map<Work, WriteOutcome>();
    written.forEach((outcome, at) => {
      const group = groups[at];
      if (group !== undefined) outcomeOf.set(group, outcome);
    });
    for (const { decision } of groups.filter((group) => outcomeOf.get(group)?.ok === true))
      if (decision !== undefined) await storeDecision(tx, decision);
    for (const work of works) if ("kind" in work) outcomeOf.set(work, await performOne(tx, work));
    return works.map((work) => {
      const outcome = outcomeOf.get(work);
      invariant(outcome !== undefined, "every work has an outcome");
      return outcome;
    });
  };
}
