import type { Pseudonym } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import type { ChartDecision, MergedChart } from "#records/matching/merge-store.ts";
import { isLink, type Link } from "#records/matching/patient-text.ts";

/** The links that the merges which stand have written into Patients, by compartment. */
export type KeptLinks = ReadonlyMap<Pseudonym, readonly Link[]>;

type Pair = Pick<MergedChart, "merged" | "survivor">;

const ends = ({ merged, survivor }: Pair): readonly (readonly [Pseudonym, Link])[] => [
  [survivor.compartment, { other: merged.id, kind: "replaces" }],
  [merged.compartment, { other: survivor.id, kind: "replaced-by" }],
];

const isSame = (one: Link, two: Link): boolean => one.other === two.other && one.kind === two.kind;

/** What the Patients of these merges must keep. */
export function keptLinks(merges: readonly Pair[]): KeptLinks {
  const all = merges.flatMap(ends);
  const grouped = Map.groupBy(all, ([chart]) => chart);
  return new Map([...grouped].map(([chart, links]) => [chart, links.map(([, link]) => link)]));
}

/** What they must keep once this is decided, too. */
export function afterDecision(
  kept: KeptLinks,
  { kind, survivor, other }: Pick<ChartDecision, "kind" | "survivor" | "other">,
): KeptLinks {
  if (kind === "distinct") return kept;
  const changed = new Map(kept);
  for (const [chart, link] of ends({ merged: other, survivor })) {
    const before = (changed.get(chart) ?? []).filter((each) => !isSame(each, link));
    changed.set(chart, kind === "merge" ? [...before, link] : before);
  }
  return changed;
}

/**
 * Why a Patient may not be written so: "chart-merged" when one of the links that it must keep is not
 * there. `patient` null for a deletion.
 */
export function lostLink(links: readonly Link[], patient: unknown): Problem | null {
  if (links.length === 0) return null;
  const detail = "This Patient is part of a merge, which must be taken back first.";
  if (patient === null) return problem("chart-merged", { detail });
  const held = isObject(patient) ? listOf(patient.link) : [];
  const isKept = links.every((link) => held.some((each) => isLink(each, link)));
  return isKept
    ? null
    : problem("chart-merged", {
        at: "Patient.link",
        detail: `${detail} Or keep the link that it wrote.`,
      });
}
