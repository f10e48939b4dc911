import type { Instant } from "#core/clock.ts";
import type { ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { r4Alone, type Conformance } from "#records/fhir/conformance.ts";
import type { AskedWhere } from "#records/fhir/search-asked.ts";
import { isAnswerParameter, parseAnswer } from "#records/fhir/search-answer.ts";
import {
  matchesAll,
  narrowedBy,
  parameterCode,
  parseClause,
  searchLimits,
  type Clause,
} from "#records/fhir/search-clauses.ts";
import { isJoin, parseJoin, type JoinContext } from "#records/fhir/search-joins.ts";
import type { Join, SearchPlan } from "#records/fhir/search-plan.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";

export { searchLabels } from "#records/fhir/search-labels.ts";
export { searchLimits } from "#records/fhir/search-clauses.ts";
export type { SearchPlan } from "#records/fhir/search-plan.ts";

export interface SearchOptions {
  /** `Prefer: handling=lenient` (R4 §3.1.1.1): leaves out parameters that are not known. */
  readonly lenient?: boolean;
  /** When it is asked, by which `ap` of a date is measured; without it `ap` asks for a touch. */
  readonly now?: Instant;
  /** `https://host/fhir`: a reference parameter takes addresses under it for `Type/id`. */
  readonly base?: string;
  /** What installed packages add to R4; R4 alone when left out. */
  readonly conformance?: Conformance;
}

interface Context {
  readonly where: AskedWhere;
  readonly conformance: Conformance;
  readonly lenient: boolean;
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_.:-]{0,99}$/;

// Parameters of R4 that would read all of a record's words, or name a list or a query kept elsewhere.
const notOffered: ReadonlyMap<string, string> = new Map([
  ["_text", "full text is not searched; use the parameters of the type"],
  ["_content", "full text is not searched; use the parameters of the type"],
  ["_filter", "filter expressions are not read; use the parameters of the type"],
  ["_query", "there are no named queries"],
  ["_list", "lists are not followed; read the List"],
]);

function unknown(name: string): Result<never> {
  const detail = notOffered.get(parameterCode(name));
  if (detail !== undefined) return refuse("parameter-unknown", { at: name, detail });
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

function parseCondition(
  type: ResourceType,
  [name, text]: readonly [string, string],
  context: Context,
): Result<Condition> {
  const { conformance, where } = context;
  if (isJoin(name)) {
    const inner: JoinContext["inner"] = (other, innerName, value) =>
      planOf(other, new URLSearchParams([[innerName, value]]), { ...context, lenient: false });
    const join = parseJoin(type, [name, text], { conformance, inner });
    return join.ok ? ok({ kind: "join", join: join.value }) : join;
  }
  const rule = searchParameters(type, conformance).get(parameterCode(name));
  if (rule === undefined) return unknown(name);
  const clause = parseClause(rule, [name, text], where);
  return clause.ok ? ok({ kind: "clause", clause: clause.value }) : clause;
}

function parseConditions(
  type: ResourceType,
  query: URLSearchParams,
  context: Context,
): Result<Conditions> {
  const clauses: Clause[] = [];
  const joins: Join[] = [];
  const used: [string, string][] = [];
  for (const [name, text] of query) {
    if (!isAnswerParameter(name)) {
      const found = parseCondition(type, [name, text], context);
      // R4 §3.1.1.1: what lenient handling forgives is an unknown parameter, not a wrong value.
      if (!found.ok && context.lenient && found.problem.code === "parameter-unknown") continue;
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
  { lenient = false, now, base, conformance = r4Alone }: SearchOptions = {},
): Result<SearchPlan> {
  const where = { now: now ?? null, base: base ?? null };
  return planOf(type, query, { where, conformance, lenient });
}

function planOf(type: ResourceType, query: URLSearchParams, context: Context): Result<SearchPlan> {
  if (query.size > searchLimits.parameters)
    return refuse("parameter-invalid", { detail: "there are too many parameters" });
  const answer = parseAnswer(type, query, context.conformance);
  if (!answer.ok) return answer;
  const conditions = parseConditions(type, query, context);
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
