import type { Resource } from "@medplum/fhirtypes";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import { failed, invariant, ok, type Result } from "#core/result.ts";
import type { BlindIndex } from "#records/blind/blind-index.ts";
import type { Kinds, KindsOf } from "#records/kinds.ts";
import { passesFor } from "#records/matching/blocking.ts";
import { compare } from "#records/matching/compare.ts";
import { matchLimits } from "#records/matching/match-question.ts";
import { personOf } from "#records/matching/person.ts";
import { scoreOf, type Score } from "#records/matching/score.ts";
import { openUnseen, type OpenedRow, type UnseenDeps } from "#records/opening.ts";
import { decideOpened } from "#records/read.ts";
import { fetchWhole, isHere, isLeft, type LeftDeps } from "#records/left-rows.ts";
import type { SearchedRow, StoredRow } from "#records/store.ts";
import type { Visit } from "#records/visit.ts";

export interface FindDeps extends UnseenDeps, LeftDeps {
  readonly blind: Pick<BlindIndex, "find">;
  readonly kindsOf: KindsOf;
}

/** A Patient who may be the person looked for, and may be shown. */
export interface Found {
  readonly opened: OpenedRow;
  readonly compartment: Pseudonym;
  readonly score: Score;
  readonly kinds: Kinds;
  readonly policies: readonly string[];
}

export interface FoundAll {
  /** The likeliest first; none who certainly is another. */
  readonly found: readonly Found[];
  /** Whether a way of looking named too many to be looked at, so that somebody may be missing. */
  readonly isPartial: boolean;
}

interface Candidate {
  readonly row: SearchedRow;
  readonly compartment: Pseudonym;
  readonly inCareTeam: boolean;
}

// Nobody's pseudonym: policy sees only how the caller stands to a patient.
const nobody = parsePseudonym("00000000-0000-4000-8000-000000000000");

/** Whether the caller may look beyond her own patients; a problem when she may not look at all. */
export function mayMatch(visit: Visit): Result<{ readonly beyondCare: boolean }> {
  invariant(nobody !== null, "a constant pseudonym is one");
  const question = { action: "match", type: "Patient", labels: [], compartment: nobody } as const;
  if (visit.decide({ ...question, inCareTeam: false }).permitted) return ok({ beyondCare: true });
  const inCare = visit.decide({ ...question, inCareTeam: true });
  return inCare.permitted ? ok({ beyondCare: false }) : failed(inCare.problem);
}

interface Named {
  readonly candidates: ReadonlyMap<Pseudonym, Candidate>;
  readonly isPartial: boolean;
}

async function candidatesFor(
  value: Resource,
  visit: Visit,
  { deps, beyondCare }: { readonly deps: FindDeps; readonly beyondCare: boolean },
): Promise<Result<Named>> {
  const candidates = new Map<Pseudonym, Candidate>();
  let isPartial = false;
  for (const groups of passesFor(value)) {
    const asked = { groups, asker: visit.asker, own: [], beyondCare };
    const found = await deps.blind.find(asked);
    // A name that very many have tells nothing alone; the other ways of looking go on.
    if (!found.ok && found.problem.code !== "parameter-invalid") return found;
    if (found.ok && found.value === null)
      return failed(
        problem("storage-unavailable", { detail: "The index of patients is being built." }),
      );
    isPartial ||= !found.ok;
    for (const { compartment, inCareTeam, row } of found.ok ? (found.value ?? []) : [])
      if (candidates.has(compartment) || candidates.size < matchLimits.candidates)
        candidates.set(compartment, { compartment, inCareTeam, row });
      else isPartial = true;
  }
  return ok({ candidates, isPartial });
}

/** Those that open. Who was shredded is left out; what is damaged fails the whole, as an alarm must. */
export async function openLeft(
  rows: readonly SearchedRow[],
  deps: UnseenDeps & LeftDeps,
): Promise<Result<readonly OpenedRow[]>> {
  const fetched = await fetchWhole(rows.filter(isLeft), deps);
  if (!fetched.ok) return fetched;
  return openLiving([...rows.filter(isHere), ...fetched.value], deps);
}

async function openLiving(
  rows: readonly StoredRow[],
  deps: UnseenDeps,
): Promise<Result<readonly OpenedRow[]>> {
  const opening = await openUnseen(rows, deps);
  if (opening.ok) return opening;
  const { row, problem: found } = opening;
  if (row === null || found.code !== "record-shredded") return failed(found);
  return openLiving(
    rows.filter(({ compartment }) => compartment !== row.compartment),
    deps,
  );
}

const byLikelihood = (a: Found, b: Found): number =>
  b.score.score - a.score.score || (a.opened.row.id < b.opened.row.id ? -1 : 1);

/**
 * Patients who may be the person that a Patient describes, among those whom the caller may see.
 * Honey is left out: nobody shows it, so that it raises nothing. Fails as "forbidden", as looking up
 * does, or as opening does.
 */
export async function findMatches(
  deps: FindDeps,
  visit: Visit,
  value: Resource,
): Promise<Result<FoundAll>> {
  const may = mayMatch(visit);
  if (!may.ok) return may;
  const named = await candidatesFor(value, visit, { deps, ...may.value });
  if (!named.ok) return named;
  const { candidates, isPartial } = named.value;
  const question = { action: "match", type: "Patient" } as const;
  const permitted = [...candidates.values()].filter(
    ({ compartment, inCareTeam }) =>
      visit.decide({ ...question, compartment, inCareTeam, labels: [] }).permitted,
  );
  const opened = await openLeft(
    permitted.map(({ row }) => row),
    deps,
  );
  if (!opened.ok) return opened;
  const person = personOf(value);
  const found = opened.value.flatMap((each): Found[] => {
    const { compartment } = each.row;
    if (each.value === null || each.isHoney || compartment === "organisation") return [];
    const score = scoreOf(compare(person, personOf(each.value)));
    if (score.grade === "certainly-not") return [];
    const kinds = deps.kindsOf(each);
    const inCareTeam = candidates.get(compartment)?.inCareTeam === true;
    const verdict = decideOpened(visit, { ...question, compartment, inCareTeam }, [kinds]);
    const { policies } = verdict;
    return verdict.permitted ? [{ opened: each, compartment, score, kinds, policies }] : [];
  });
  return ok({ found: found.sort(byLikelihood), isPartial });
}
