import { parsePseudonym, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { BlindIndex } from "#records/blind/blind-index.ts";
import { isOfPatients } from "#records/fhir/compartment.ts";
import type { SearchPlan } from "#records/fhir/search.ts";
import type { Chart } from "#records/matching/merge-store.ts";
import type { SamePerson } from "#records/matching/same-person.ts";
import { storeLimits, type RecordStore, type SearchedRow } from "#records/store.ts";
import { isWorkforce, type Verdict, type Visit } from "#records/visit.ts";
import type { Compartment, Vault } from "#vault/vault.ts";

/** A compartment that the caller may search, and by which policies. */
export interface Allowed {
  readonly compartment: Compartment;
  readonly inCareTeam: boolean;
  readonly policies: readonly string[];
}

/** Where a search looks, or why it may not. A refusal names the compartment, so that the log can. */
export type SearchScope =
  | {
      readonly kind: "allowed";
      readonly compartments: readonly Allowed[];
      /** The rows to look at, where they were found with the compartments; null when not. */
      readonly rows: readonly SearchedRow[] | null;
    }
  | {
      readonly kind: "refused";
      readonly problem: Problem;
      readonly compartment: Compartment | null;
      readonly policies: readonly string[];
    };

/** A compartment that a search may look into, if policy lets it. */
export interface Candidate {
  readonly compartment: Compartment;
  readonly inCareTeam: boolean;
}

interface ScopeDeps {
  readonly store: RecordStore;
  readonly vault: Pick<Vault, "pseudonymOf">;
  readonly blind: Pick<BlindIndex, "find">;
  readonly samePerson: Pick<SamePerson, "othersOf">;
}

export const scopeLimits = {
  /** Patients in whose records at once staff may look for anything but Patient. */
  caredPatients: 200,
} as const;

const refusedScope = (found: Problem, compartment: Compartment | null = null): SearchScope => ({
  kind: "refused",
  problem: found,
  compartment,
  policies: [],
});

/** The patients whom the person is, acts for or, if `cared` is asked for, cares for. */
async function ownAndCared(
  { caller, asker }: Visit,
  store: RecordStore,
  withCared: boolean,
): Promise<Result<readonly Candidate[]>> {
  const own = [...caller.live.patients.keys()];
  const cared: Result<readonly Pseudonym[]> =
    withCared && asker.practitioner !== null ? await store.patientsOf(asker) : ok([]);
  if (!cared.ok) return cared;
  const team = new Set<Pseudonym>(cared.value);
  return ok(
    [...new Set([...own, ...team])].map((compartment) => ({
      compartment,
      inCareTeam: team.has(compartment),
    })),
  );
}

// Nobody's pseudonym: policy sees only how the caller stands to a patient.
const nobody = parsePseudonym("00000000-0000-4000-8000-000000000000");

/** Whether policy lets the caller look for such things of a patient who stands so to her. */
function maySearch(visit: Visit, inCareTeam: boolean, type = "Patient"): Verdict {
  invariant(nobody !== null, "a constant pseudonym is one");
  const question = { action: "search", type, labels: [], content: "unopened", inCareTeam } as const;
  return visit.decide({ ...question, compartment: nobody });
}

/**
 * Patients whom the blind indexes name for the search, each decided by policy. Who may not be shown
 * is left out without a word: the answer must not tell that she exists. Null when there is no index.
 */
async function indexed(
  plan: SearchPlan,
  { visit, beyondCare }: { readonly visit: Visit; readonly beyondCare: boolean },
  { blind }: ScopeDeps,
): Promise<SearchScope | null> {
  const inCare = maySearch(visit, true);
  const own = [...visit.caller.live.patients.keys()];
  if (!inCare.permitted && !beyondCare && own.length === 0)
    return { ...inCare, kind: "refused", compartment: null };
  const found = await blind.find({ groups: plan.blind, asker: visit.asker, own, beyondCare });
  if (!found.ok) return { ...found, kind: "refused", compartment: null, policies: [] };
  if (found.value === null) return null;
  const compartments = permittedOf(plan, visit, found.value);
  const allowed = new Set(compartments.map(({ compartment }) => compartment));
  const rows = found.value.flatMap(({ row }) => (allowed.has(row.compartment) ? [row] : []));
  return { kind: "allowed", compartments, rows };
}

/**
 * Where staff look for a Patient; null when in the records of those whom they care for, which can
 * be opened one and all. Who may look beyond them must name something that is indexed.
 */
async function ofStaff(
  plan: SearchPlan,
  visit: Visit,
  deps: ScopeDeps,
): Promise<SearchScope | null> {
  const beyondCare = maySearch(visit, false).permitted;
  if (plan.blind.length > 0) {
    const scope = await indexed(plan, { visit, beyondCare }, deps);
    if (scope !== null) return scope;
  }
  if (!beyondCare) return null;
  return refusedScope(
    plan.blind.length > 0
      ? problem("storage-unavailable", { detail: "The index of patients is being built." })
      : problem("parameter-invalid", {
          detail:
            "Patients are found by identifier, birth date, telecom, how a name sounds or how it begins: three letters at least.",
        }),
  );
}

/** The compartments of the resources that `_id` names. */
async function ofIds(
  type: SearchPlan["type"],
  ids: readonly ResourceId[],
  { visit, store }: { readonly visit: Visit; readonly store: RecordStore },
): Promise<Result<readonly Candidate[]>> {
  const found = await Promise.all(ids.map((id) => store.find(type, id, visit.asker)));
  const candidates = new Map<Compartment, Candidate>();
  for (const each of found) {
    if (!each.ok) return each;
    const { rows, inCareTeam } = each.value;
    for (const { compartment } of rows) candidates.set(compartment, { compartment, inCareTeam });
  }
  return ok([...candidates.values()]);
}

/**
 * Where staff look who name no patient: in the records that hold what `_id` names, else in those of
 * the patients whom they care for, while these are few enough to be opened. What they may not see is
 * left out without a word, as the answer must not tell that it exists.
 */
async function ofCared(
  plan: SearchPlan,
  visit: Visit,
  { store }: Pick<ScopeDeps, "store">,
): Promise<SearchScope> {
  const inCare = maySearch(visit, true, plan.type);
  if (!inCare.permitted) return { ...inCare, kind: "refused", compartment: null };
  const candidates =
    plan.ids === null
      ? await ownAndCared(visit, store, true)
      : await ofIds(plan.type, plan.ids, { visit, store });
  if (!candidates.ok) return refusedScope(candidates.problem);
  if (!plan.isFiltered || candidates.value.length > scopeLimits.caredPatients)
    return refusedScope(problem("parameter-invalid", { at: "patient", detail: "is needed here" }));
  return {
    kind: "allowed",
    compartments: permittedOf(plan, visit, candidates.value),
    rows: null,
  };
}

/** Those of the candidates in whose records policy lets the caller search. */
function permittedOf(
  { type }: SearchPlan,
  visit: Visit,
  candidates: readonly Candidate[],
): readonly Allowed[] {
  return candidates.flatMap(({ compartment, inCareTeam }) => {
    const place = { compartment, inCareTeam };
    const question = { action: "search", type, labels: [], content: "unopened", ...place } as const;
    const { permitted, policies } = visit.decide(question);
    return permitted ? [{ ...place, policies }] : [];
  });
}

/** Which of these compartments the caller may search for the plan's type; refused when none. */
export function scopeWithin(
  plan: Pick<SearchPlan, "type">,
  visit: Visit,
  candidates: readonly Candidate[],
): SearchScope {
  const verdicts = candidates.map((candidate) => ({
    ...candidate,
    verdict: visit.decide({
      action: "search",
      type: plan.type,
      labels: [],
      content: "unopened",
      ...candidate,
    }),
  }));
  const allowed = verdicts.flatMap(({ verdict: { permitted, policies }, ...candidate }) =>
    permitted ? [{ ...candidate, policies }] : [],
  );
  const [first] = verdicts;
  // Of several patients those that are not permitted are left out; if none is, the search is refused.
  return allowed.length > 0 || first === undefined || first.verdict.permitted
    ? { kind: "allowed", compartments: allowed, rows: null }
    : {
        kind: "refused",
        problem: first.verdict.problem,
        compartment: verdicts.length === 1 ? first.compartment : null,
        policies: first.verdict.policies,
      };
}

const inCompartment = ({ compartment }: Chart): Compartment => compartment;

/**
 * In whose records a search looks: of the patient it names, all charts of hers; of the organisation, for types that are
 * nobody's record; of those whom the blind indexes name, when staff look for a Patient; of those
 * whom they care for, when staff look for anything else; else of the person's own patients.
 */
export async function scopeOf(
  plan: SearchPlan,
  visit: Visit,
  { store, vault, blind, samePerson }: ScopeDeps,
): Promise<SearchScope> {
  if (plan.patient !== null) {
    // The same for a patient who does not exist: the answer tells nothing of who does.
    const compartment = vault.pseudonymOf(plan.patient);
    const inCareTeam = await store.isInCareTeam(compartment, visit.asker);
    if (!inCareTeam.ok) return refusedScope(inCareTeam.problem, compartment);
    // Who stands in her care team does so by each of her charts.
    const charts = [compartment, ...samePerson.othersOf(compartment).map(inCompartment)];
    return scopeWithin(
      plan,
      visit,
      charts.map((chart) => ({ compartment: chart, inCareTeam: inCareTeam.value })),
    );
  }
  if (!isOfPatients(plan.type))
    return scopeWithin(plan, visit, [{ compartment: "organisation", inCareTeam: false }]);
  if (plan.type === "Patient" && isWorkforce(visit.caller)) {
    const scope = await ofStaff(plan, visit, { store, vault, blind, samePerson });
    if (scope !== null) return scope;
  }
  if (plan.type !== "Patient" && visit.caller.live.patients.size === 0)
    return ofCared(plan, visit, { store });
  const candidates = await ownAndCared(visit, store, plan.type === "Patient");
  if (candidates.ok && plan.isFiltered && candidates.value.length >= storeLimits.listPatients)
    return refusedScope(
      problem("parameter-invalid", { detail: "The search would open too much; narrow it." }),
    );
  if (!candidates.ok) return refusedScope(candidates.problem);
  return scopeWithin(plan, visit, candidates.value);
}
