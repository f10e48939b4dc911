import { rowName, type Work } from "#records/write-plan.ts";

/** Names of the rows that works write; null when one of them touches more than rows. */
function writtenBy(works: readonly Work[]): ReadonlySet<string> | null {
  const names = new Set<string>();
  for (const work of works) {
    if ("kind" in work || work.decision !== undefined) return null;
    for (const { type, id } of work.rows) names.add(rowName(type, id));
  }
  return names;
}

function meet(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const name of some) if (others.has(name)) return true;
  return false;
}

/**
 * Whether works may be planned while those ahead are not yet committed, and so not yet seen: they
 * write none of the same rows and are about no Patient whom these write.
 */
export function areIndependent(works: readonly Work[], ahead: readonly Work[]): boolean {
  const before = writtenBy(ahead);
  const own = writtenBy(works);
  if (before === null || own === null || meet(own, before)) return false;
  return works.every(
    (work) =>
      "kind" in work ||
      work.rows.every(
        ({ patient }) => patient === null || !before.has(rowName("Patient", patient)),
      ),
  );
}
