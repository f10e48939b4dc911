import type { Problem } from "#core/problem.ts";
import { ok } from "#core/result.ts";
import type { BlindIndex } from "#records/blind/blind-index.ts";
import { refused, type Refusal } from "#records/door.ts";
import type { CurrentConformance } from "#records/fhir/conformance.ts";
import type { SearchPlan } from "#records/fhir/search.ts";
import { derivedProvenances, type DerivedDeps } from "#records/provenance/derived.ts";
import { refuseUnopened, type ReadDeps } from "#records/read.ts";
import { keepJoined, narrowByPatient, type Narrowed } from "#records/search-joins.ts";
import { candidateRows } from "#records/search-rows.ts";
import { scopeOf, scopeWithin, type Allowed, type Candidate } from "#records/search-scope.ts";
import { see, seeDerived, type Seen } from "#records/seeing.ts";
import { touch, type Visit } from "#records/visit.ts";
import type { Queryable } from "#storage/database.ts";
import type { Compartment, Vault } from "#vault/vault.ts";

export interface SearchDeps extends ReadDeps {
  readonly vault: Vault;
  readonly blind: BlindIndex;
  readonly db: Queryable;
  /** See entriesOfWritten: of them, the log's own Provenances are made. */
  readonly writtenEntries: DerivedDeps["writtenEntries"];
  readonly conformance: CurrentConformance;
}

/** What a search finds, before it is cut into pages. */
export interface Found {
  readonly kind: "found";
  /** In no order. */
  readonly matches: readonly Seen[];
  /** Resources by which a chain or `_has` holds of a match: the answer tells of them, too. */
  readonly consulted: readonly Seen[];
  /** Where it looked. */
  readonly allowed: readonly Allowed[];
  readonly shredded: ReadonlySet<Compartment>;
}

export type Finding = Found | Refusal;

/** Finds what answers a plan; `within` names the compartments to look into, null where the plan does. */
export type Find = (plan: SearchPlan, within: readonly Candidate[] | null) => Promise<Finding>;

const wholePlan: Narrowed = { kind: "narrowed", within: null, answered: new Map() };

/** How to find within one visit. A refusal names what the log is told of it. */
export function createFind(deps: SearchDeps, visit: Visit): Find {
  const find: Find = async (plan, within) => {
    const blank = touch({ action: "search", compartment: null, type: plan.type });
    const stop = (found: Problem): Refusal => refused(found, blank);
    const narrowed =
      within === null && plan.joins.length > 0 ? await narrowByPatient(plan, find) : wholePlan;
    if (narrowed.kind === "refused") return narrowed;
    const place = within ?? narrowed.within;
    const scope =
      place === null ? await scopeOf(plan, visit, deps) : scopeWithin(plan, visit, place);
    if (scope.kind === "refused") {
      const reasons = [scope.problem.code, ...scope.policies];
      return { ...refused(scope.problem, { ...blank, compartment: scope.compartment }), reasons };
    }
    const { compartments: allowed } = scope;
    const found = await candidateRows(deps, plan, scope);
    if (!found.ok) return stop(found.problem);
    const care = new Map(allowed.map((each) => [each.compartment, each.inCareTeam]));
    const careOf = (compartment: Compartment): boolean | null => care.get(compartment) ?? null;
    const seen = await see(found.value.rows, deps, {
      visit,
      action: "search",
      careOf,
      matches: ({ value }) => value !== null && plan.matches(value),
    });
    if (!seen.ok) return refuseUnopened(seen, blank);
    const derived =
      plan.type === "Provenance" ? await derivedProvenances(plan, [...care.keys()], deps) : ok([]);
    if (!derived.ok) return stop(derived.problem);
    const ofLog = seeDerived(derived.value, deps, { visit, action: "search", careOf });
    const all = ofLog.length === 0 ? seen.value : [...seen.value, ...ofLog];
    const joined = await keepJoined(deps, visit, { plan, seen: all, care, narrowed, find });
    if (joined.kind === "refused") return joined;
    const shredded = new Set([...seen.shredded, ...found.value.shredded]);
    return { ...joined, kind: "found", allowed, shredded };
  };
  return find;
}
