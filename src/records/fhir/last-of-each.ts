import type { Resource } from "@medplum/fhirtypes";
import { isObject, listOf } from "#records/fhir/json-value.ts";

/** By what an Observation says what was observed: its codings, or its words where it has none. */
function conceptsOf(value: Resource): readonly string[] {
  const code = isObject(value) && isObject(value.code) ? value.code : {};
  const codings = listOf(code.coding).flatMap((coding) =>
    isObject(coding) && typeof coding.code === "string"
      ? [`${typeof coding.system === "string" ? coding.system : ""}|${coding.code}`]
      : [],
  );
  if (codings.length > 0) return codings;
  return typeof code.text === "string" ? [`text ${code.text}`] : [];
}

/** Groups of what says the same: two share a group when they, or others between them, share a coding. */
function grouped(observations: readonly Resource[]): readonly number[] {
  const groups = observations.map((_, at) => at);
  const rootOf = (at: number): number => {
    let root = at;
    while (groups[root] !== root) root = groups[root] ?? root;
    return root;
  };
  const firstOf = new Map<string, number>();
  for (const [at, value] of observations.entries())
    for (const concept of conceptsOf(value)) {
      const first = firstOf.get(concept);
      if (first === undefined) firstOf.set(concept, at);
      // The smaller number becomes the root, so that no chain grows longer than it was.
      else {
        const [a, b] = [rootOf(first), rootOf(at)];
        groups[Math.max(a, b)] = Math.min(a, b);
      }
    }
  return groups.map((_, at) => rootOf(at));
}

/**
 * Of Observations from the newest to the oldest, the first `most` of each code (R4
 * Observation-lastn), in the same order. One without code is of a kind of its own.
 */
export function lastOfEach<T>(
  newestFirst: readonly T[],
  valueOf: (item: T) => Resource,
  most: number,
): readonly T[] {
  const groups = grouped(newestFirst.map(valueOf));
  const taken = new Map<number, number>();
  return newestFirst.filter((_, at) => {
    const group = groups[at] ?? at;
    const before = taken.get(group) ?? 0;
    taken.set(group, before + 1);
    return before < most;
  });
}
