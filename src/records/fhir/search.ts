import type { Resource } from "@medplum/fhirtypes";
import type { ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { boundsOf } from "#records/fhir/dates.ts";
import { isAnswerParameter, parseAnswer } from "#records/fhir/search-answer.ts";
import {
  matchesAll,
  narrowedBy,
  parameterCode,
  parseClause,
  searchLimits,
  type Clause,
} from "#records/fhir/search-clauses.ts";
import { isJoin, parseJoin } from "#records/fhir/search-joins.ts";
import type { Join, SearchPlan } from "#records/fhir/search-plan.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";

export { searchLabels } from "#records/fhir/search-labels.ts";
export { searchLimits } from "#records/fhir/search-clauses.ts";
export type { SearchPlan } from "#records/fhir/search-plan.ts";

export interface SearchOptions {
  /** `Prefer: handling=lenient` (R4 §3.1.1.1): leaves out parameters that are not known. */
  readonly lenient?: boolean;
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_.:-]{0,99}$/;

function unknown(name: string): Result<never> {
  // A name that is not of the form of one may be anything, so it is not repeated.
  return refuse("parameter-unknown", namePattern.test(name) ? { at: name } : {});
}

interface Conditions {
  readonly clauses: readonly Clause[];
  readonly joins: readonly Join[];
  readonly used: readonly [string, string][];
}

type Condition =
  | { readonly kind: "clause"; readonly clause: Clause }
  | { readonly kind: "join"; readonly join: Join };

function parseCondition(type: ResourceType, name: string, text: string): Result<Condition> {
  if (isJoin(name)) {
    const join = parseJoin(type, [name, text], (other, inner, value) =>
      parseSearch(other, new URLSearchParams([[inner, value]])),
    );
    return join.ok ? ok({ kind: "join", join: join.value }) : join;
  }
  const rule = searchParameters(type).get(parameterCode(name));
  if (rule === undefined) return unknown(name);
  const clause = parseClause(rule, name, text);
  return clause.ok ? ok({ kind: "clause", clause: clause.value }) : clause;
}

function parseConditions(
  type: ResourceType,
  query: URLSearchParams,
  lenient: boolean,
): Result<Conditions> {
  const clauses: Clause[] = [];
  const joins: Join[] = [];
  const used: [string, string][] = [];
  for (const [name, text] of query) {
    if (!isAnswerParameter(name)) {
      const found = parseCondition(type, name, text);
      // R4 §3.1.1.1: what lenient handling forgives is an unknown parameter, not a wrong value.
      if (!found.ok && lenient && found.problem.code === "parameter-unknown") continue;
      if (!found.ok) return found;
      if (found.value.kind === "join") joins.push(found.value.join);
      else clauses.push(found.value.clause);
    }
    used.push([name, text]);
  }
  return ok({ clauses, joins, used });
}

/**
 * Reads a search of one type (R4 §3.1.1). Fails with parameter-unknown for a parameter or modifier
 * that is not evaluated, and parameter-invalid for a value that cannot be read, naming it in `at`.
 */
export function parseSearch(
  type: ResourceType,
  query: URLSearchParams,
  { lenient = false }: SearchOptions = {},
): Result<SearchPlan> {
  if (query.size > searchLimits.parameters)
    return refuse("parameter-invalid", { detail: "there are too many parameters" });
  const answer = parseAnswer(type, query);
  if (!answer.ok) return answer;
  const conditions = parseConditions(type, query, lenient);
  if (!conditions.ok) return conditions;
  const { clauses, joins, used } = conditions.value;
  if (joins.length > searchLimits.joins)
    return refuse("too-costly", { detail: "There are too many chains." });
  return ok({
    type,
    ...narrowedBy(type, clauses),
    ...answer.value,
    isFiltered: clauses.length > 0 || joins.length > 0,
    matches: (value) => value.resourceType === type && matchesAll(value, clauses),
    joins,
    used,
  });
}

/** The instant that a stored resource was last written, in ms; null when its meta names none. */
export function lastUpdatedOf(value: Resource): number | null {
  const at = value.meta?.lastUpdated;
  return at === undefined ? null : (boundsOf(at)?.from ?? null);
}
