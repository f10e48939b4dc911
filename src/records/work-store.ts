import { invariant } from "#core/result.ts";
import { writeResealed } from "#records/reseal-store.ts";
import type { Work, WriteGroup, WriteOutcome } from "#records/write-plan.ts";
import { writeRecords, type WriteDeps } from "#records/write-store.ts";
import type { Queryable } from "#storage/database.ts";

/**
 * Makes the log's `alongside`: all written groups of a flush at once, then what is sealed anew.
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
    for (const work of works)
      if ("kind" in work) outcomeOf.set(work, await writeResealed(tx, work));
    return works.map((work) => {
      const outcome = outcomeOf.get(work);
      invariant(outcome !== undefined, "every work has an outcome");
      return outcome;
    });
  };
}
