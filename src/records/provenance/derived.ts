import { createHash } from "node:crypto";
import type { FoundEntry, WrittenOf } from "#audit/queries.ts";
import { parsePseudonym, parseResourceType } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { refused, type Interaction } from "#records/door.ts";
import { parseReference } from "#records/fhir/references.ts";
import { parseSearch, type SearchPlan } from "#records/fhir/search.ts";
import { fhirAnswer } from "#records/http.ts";
import type { KindsOf } from "#records/kinds.ts";
import { makersFor, type NamesDeps } from "#records/names.ts";
import type { OpenedRow } from "#records/opening.ts";
import { parseProvenanceId, provenanceId, provenanceOf } from "#records/provenance/provenance.ts";
import { decideOpened, refuseById, versionHeaders, type Wanted } from "#records/read.ts";
import type { RecordStore } from "#records/store.ts";
import { touch, type Touch } from "#records/visit.ts";
import type { Compartment } from "#vault/vault.ts";

export const derivedLimits = {
  /** Entries that one search may read; more must be narrowed by a target. */
  entries: 10_000,
} as const;

export interface DerivedDeps extends NamesDeps {
  readonly store: RecordStore;
  readonly kindsOf: KindsOf;
  /** See entriesOfWritten. */
  readonly writtenEntries: (asked: WrittenOf) => Promise<Result<readonly FoundEntry[]>>;
  /** See entryAt. */
  readonly entryAt: (place: {
    readonly logId: number;
    readonly seq: number;
  }) => Promise<Result<FoundEntry | null>>;
}

const type = parseResourceType("Provenance");

function compartmentOf({ entry: { patient } }: FoundEntry): Compartment {
  if (patient === null) return "organisation";
  const pseudonym = parsePseudonym(patient);
  invariant(pseudonym !== null, "an entry is of a patient by pseudonym");
  return pseudonym;
}

/** Entries as if they were rows that were opened: a Provenance is searched and decided as any resource. */
async function openedOf(
  entries: readonly FoundEntry[],
  deps: NamesDeps,
): Promise<Result<readonly OpenedRow[]>> {
  const makers = await makersFor(
    entries.map(({ entry }) => entry),
    null,
    deps,
  );
  if (!makers.ok) return makers;
  invariant(type !== null, "Provenance is a type");
  return ok(
    entries.flatMap((found): OpenedRow[] => {
      const value = provenanceOf(found, makers.value(found.entry));
      if (value === null) return [];
      const text = JSON.stringify(value);
      const row = {
        type,
        id: provenanceId(found),
        compartment: compartmentOf(found),
        version: 1,
        lastUpdated: found.entry.time,
        deleted: false,
        dekVersion: found.entry.dekVersion ?? 1,
        // What it holds is known by its ciphertext; here a hash stands for it.
        sealed: createHash("sha256").update(text).digest(),
      };
      return [{ row, text, value, isHoney: false }];
    }),
  );
}

/** `Type/id` of each resource that `target` names; null when the search names none so. */
function targetsOf({ used }: SearchPlan): readonly string[] | null {
  const asked = used.find(([name]) => name === "target");
  if (asked === undefined) return null;
  const references = asked[1].split(",").map(parseReference);
  return references.every((each) => each !== null)
    ? references.map((reference) => `${reference.type}/${reference.id}`)
    : null;
}

/**
 * The Provenances that the log gives of these records, and that answer the plan but for its patient,
 * whose records they are anyway. Fails as "too-costly" beyond derivedLimits.
 */
export async function derivedProvenances(
  plan: SearchPlan,
  compartments: readonly Compartment[],
  deps: Omit<DerivedDeps, "entryAt">,
): Promise<Result<readonly OpenedRow[]>> {
  const patients = compartments.flatMap((each) => (each === "organisation" ? [] : [each]));
  const limit = derivedLimits.entries + 1;
  const written = targetsOf(plan);
  const asked: WrittenOf[] = [];
  if (patients.length > 0) asked.push({ patients, written, limit });
  if (patients.length < compartments.length) asked.push({ patients: null, written, limit });
  const entries: FoundEntry[] = [];
  for (const each of asked) {
    const found = await deps.writtenEntries(each);
    if (!found.ok) return found;
    entries.push(...found.value);
  }
  if (entries.length > derivedLimits.entries)
    return refuse("too-costly", { detail: "Too much was written; name a target." });
  const opened = await openedOf(entries, deps);
  if (!opened.ok) return opened;
  invariant(type !== null, "Provenance is a type");
  const query = new URLSearchParams();
  for (const [name, value] of plan.used) if (name !== "patient") query.append(name, value);
  const own = parseSearch(type, query, { lenient: true });
  if (!own.ok) return own;
  return ok(opened.value.filter(({ value }) => value !== null && own.value.matches(value)));
}

/** Whether the log alone has this resource. */
export function isDerived({
  type: name,
  id,
}: {
  readonly type: string;
  readonly id: string;
}): boolean {
  return name === "Provenance" && parseProvenanceId(id) !== null;
}

/** `GET /fhir/Provenance/w-…`: what the log says of one write. */
export function readDerived(deps: DerivedDeps, { id }: Pick<Wanted, "id">): Interaction {
  return async (visit) => {
    const about = touch({ action: "read", compartment: null, type, id });
    const place = parseProvenanceId(id);
    const found = place === null ? ok(null) : await deps.entryAt(place);
    if (!found.ok) return refused(found.problem, about);
    const opened = await openedOf(found.value === null ? [] : [found.value], deps);
    if (!opened.ok) return refused(opened.problem, about);
    const [first] = opened.value;
    if (first === undefined) return refused(problem("not-found"), about);
    const { compartment, version, lastUpdated } = first.row;
    const known: Touch = { ...about, compartment };
    const inCareTeam =
      compartment === "organisation"
        ? ok(false)
        : await deps.store.isInCareTeam(compartment, visit.asker);
    if (!inCareTeam.ok) return refused(inCareTeam.problem, known);
    const kinds = deps.kindsOf(first);
    const question = { action: "read", type: "Provenance", compartment } as const;
    const verdict = decideOpened(visit, { ...question, inCareTeam: inCareTeam.value }, [kinds]);
    if (!verdict.permitted) return refuseById(visit, verdict.problem, { ...verdict, touch: known });
    const { policies } = verdict;
    const { categories } = kinds;
    const answer = fhirAnswer(200, first.text, versionHeaders(version, lastUpdated));
    return {
      kind: "shown",
      touches: [{ ...known, categories, version, count: 1, policies }],
      answer,
    };
  };
}
