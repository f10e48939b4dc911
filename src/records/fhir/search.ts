import type { Resource } from "@medplum/fhirtypes";
import { parseResourceId, type ResourceId, type ResourceType } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { blindGroups } from "#records/fhir/blind-search.ts";
import { boundsOf, type Bounds } from "#records/fhir/dates.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { parseReference } from "#records/fhir/references.ts";
import { splitUnescaped, valueFilter, type ValueFilter } from "#records/fhir/search-filters.ts";
import { isLabelled, monthLabels } from "#records/fhir/search-labels.ts";
import { searchParameters, type SearchParameterRule } from "#records/fhir/search-parameters.ts";
import { parseSort, type SearchSort } from "#records/fhir/search-sort.ts";
import type { BlindLabel } from "#vault/blind-index.ts";

export { searchLabels } from "#records/fhir/search-labels.ts";

/** A search that was understood, for whoever can look up labels and open what they find. */
export interface SearchPlan {
  readonly type: ResourceType;
  /** AND of ORs: a match has a label of each group. Too much may be found, so ask `matches` as well. */
  readonly labels: readonly (readonly string[])[];
  /** The same for Patients of any record, by the blind indexes; empty for other types. */
  readonly blind: readonly (readonly BlindLabel[])[];
  /** Whether anything narrows it: without, it lists all that there is. */
  readonly isFiltered: boolean;
  /** The patient whose record alone can hold a match; null when the search names none. */
  readonly patient: ResourceId | null;
  /** The ids of `_id`, of which a match has one; null when any. */
  readonly ids: readonly ResourceId[] | null;
  /** What a match's lastUpdated must touch, in ms; null when any. */
  readonly lastUpdated: Bounds | null;
  /** Resources a page; 0 asks for the total alone. */
  readonly count: number;
  readonly sort: SearchSort;
  /** The whole search asked of an opened resource, as it was stored with its meta. */
  readonly matches: (value: Resource) => boolean;
  /** The parameters that were used, as the self link of the answer names them (R4 §3.1.1.2). */
  readonly used: readonly [name: string, value: string][];
}

export const searchLimits = {
  parameters: 40,
  valuesPerParameter: 100,
  valueCharacters: 1_000,
} as const;

export interface SearchOptions {
  /** `Prefer: handling=lenient` (R4 §3.1.1.1): leaves out parameters that are not known. */
  readonly lenient?: boolean;
}

/** One occurrence of a parameter in the query: all of its values OR'd. */
interface Clause {
  readonly rule: SearchParameterRule;
  readonly modifier: string | null;
  readonly values: readonly string[];
  readonly filters: readonly ValueFilter[];
}

// Parameters of the answer, not of the resources.
const answerParameters = new Set(["_count", "_sort", "_format", "_pretty", "_summary"]);

function split(name: string): { readonly code: string; readonly modifier: string | null } {
  const at = name.indexOf(":");
  return at === -1
    ? { code: name, modifier: null }
    : { code: name.slice(0, at), modifier: name.slice(at + 1) };
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_.:-]{0,99}$/;

function unknown(name: string): Result<never> {
  // A name that is not of the form of one may be anything, so it is not repeated.
  return refuse("parameter-unknown", namePattern.test(name) ? { at: name } : {});
}

function parseClause(rule: SearchParameterRule, name: string, text: string): Result<Clause> {
  const { modifier } = split(name);
  const values = splitUnescaped(text, ",");
  if (values.length > searchLimits.valuesPerParameter || text.length > searchLimits.valueCharacters)
    return refuse("parameter-invalid", { at: name, detail: "names too many values" });
  const filters: ValueFilter[] = [];
  for (const value of values) {
    const filter = valueFilter({ rule, modifier, value });
    if (!filter.ok) return filter;
    filters.push(filter.value);
  }
  return ok({ rule, modifier, values, filters });
}

interface Sorted {
  readonly clauses: readonly Clause[];
  readonly used: readonly [string, string][];
}

function parseClauses(
  type: ResourceType,
  query: URLSearchParams,
  lenient: boolean,
): Result<Sorted> {
  const rules = searchParameters(type);
  const clauses: Clause[] = [];
  const used: [string, string][] = [];
  for (const [name, text] of query) {
    const rule = rules.get(split(name).code);
    if (answerParameters.has(name)) used.push([name, text]);
    else if (rule === undefined) {
      if (!lenient) return unknown(name);
    } else {
      const clause = parseClause(rule, name, text);
      // R4 §3.1.1.1: what lenient handling forgives is an unknown parameter, not a wrong value.
      if (!clause.ok && !(lenient && clause.problem.code === "parameter-unknown")) return clause;
      if (!clause.ok) continue;
      clauses.push(clause.value);
      used.push([name, text]);
    }
  }
  return ok({ clauses, used });
}

/** The labels that all values of a clause have; null when one of them has none. */
function labelsOfClause({ filters }: Clause): readonly string[] | null {
  const labels = new Set<string>();
  for (const filter of filters) {
    if (filter.labels === null) return null;
    for (const label of filter.labels) labels.add(label);
  }
  return [...labels];
}

/**
 * What the clauses of one date parameter leave: `ge2024-01` and `lt2024-03` together name months.
 * Different values of a resource may answer them, but the stretch from its first to its last value
 * touches each, and so (Helly's theorem on a line) what they have in common. Null when that is nothing.
 */
function jointBounds(clauses: readonly Clause[], code: string): Bounds | null {
  let from = Number.NEGATIVE_INFINITY;
  let to = Number.POSITIVE_INFINITY;
  for (const { rule, filters } of clauses) {
    const [only, more] = filters;
    if (rule.code !== code || more !== undefined || !only?.bounds) continue;
    from = Math.max(from, only.bounds.from);
    to = Math.min(to, only.bounds.to);
  }
  return from > to || (!Number.isFinite(from) && !Number.isFinite(to)) ? null : { from, to };
}

function labelGroups(clauses: readonly Clause[]): readonly (readonly string[])[] {
  const ofClauses = clauses.flatMap((clause) => {
    const labels = labelsOfClause(clause);
    return labels === null ? [] : [labels];
  });
  const dates = clauses.flatMap(({ rule }) =>
    rule.kind === "date" && isLabelled(rule) ? [rule.code] : [],
  );
  const repeated = new Set(dates.filter((code, i) => dates.indexOf(code) !== i));
  const joint = [...repeated].flatMap((code) => {
    const bounds = jointBounds(clauses, code);
    const labels = bounds === null ? null : monthLabels(code, bounds);
    return labels === null ? [] : [labels];
  });
  return [...ofClauses, ...joint];
}

function blindOf(
  type: ResourceType,
  clauses: readonly Clause[],
): readonly (readonly BlindLabel[])[] {
  if (type !== "Patient") return [];
  const asked = clauses.map(({ rule: { code }, modifier, values }) => ({ code, modifier, values }));
  return blindGroups(asked, jointBounds(clauses, "birthdate"));
}

function onlyPatient({ rule, modifier, values }: Clause): ResourceId | null {
  const [text, more] = values;
  if (text === undefined || more !== undefined || !rule.targets.includes("Patient")) return null;
  if (rule.code !== "patient" && rule.code !== "subject") return null;
  const literal = parseReference(text);
  if (literal !== null) return literal.type === "Patient" ? literal.id : null;
  const bare = modifier === "Patient" || rule.code === "patient" || rule.targets.length === 1;
  return bare ? parseResourceId(text) : null;
}

function patientOf(type: ResourceType, clauses: readonly Clause[]): ResourceId | null {
  for (const clause of clauses) {
    const patient = onlyPatient(clause);
    if (patient !== null) return patient;
    const [id, more] = clause.values;
    if (type === "Patient" && clause.rule.code === "_id" && id !== undefined && more === undefined)
      return parseResourceId(id);
  }
  return null;
}

function idsOf(clauses: readonly Clause[]): readonly ResourceId[] | null {
  const asked = clauses.find(({ rule, modifier }) => rule.code === "_id" && modifier === null);
  return asked === undefined ? null : asked.values.flatMap((text) => parseResourceId(text) ?? []);
}

function parseCount(query: URLSearchParams): Result<number> {
  if (query.get("_summary") === "count") return ok(0);
  if (query.has("_summary") && query.get("_summary") !== "false")
    return refuse("parameter-invalid", { at: "_summary", detail: "is not count or false" });
  const text = query.get("_count");
  if (text === null) return ok(limits.searchPageDefault);
  if (!/^[0-9]{1,9}$/.test(text))
    return refuse("parameter-invalid", { at: "_count", detail: "is not a whole number" });
  return ok(Math.min(Number(text), limits.searchPageMax));
}

const formats = new Set(["json", "application/json", "application/fhir+json", "text/json"]);

function checkFormat(query: URLSearchParams): Result<null> {
  const format = query.get("_format");
  return format === null || formats.has(format.replace(/;.*$/, "").trim())
    ? ok(null)
    : refuse("parameter-invalid", { at: "_format", detail: "is not json" });
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
  const format = checkFormat(query);
  if (!format.ok) return format;
  const count = parseCount(query);
  if (!count.ok) return count;
  const sort = parseSort(type, query.get("_sort"));
  if (!sort.ok) return sort;
  const sorted = parseClauses(type, query, lenient);
  if (!sorted.ok) return sorted;
  const { clauses, used } = sorted.value;
  return ok({
    type,
    labels: labelGroups(clauses),
    blind: blindOf(type, clauses),
    isFiltered: clauses.length > 0,
    patient: patientOf(type, clauses),
    ids: idsOf(clauses),
    lastUpdated: jointBounds(clauses, "_lastUpdated"),
    count: count.value,
    sort: sort.value,
    matches: (value) => value.resourceType === type && matchesAll(value, clauses),
    used,
  });
}

function matchesAll(value: Resource, clauses: readonly Clause[]): boolean {
  if (!isObject(value)) return false;
  return clauses.every(({ rule, filters, modifier }) => {
    const values = rule.read(value);
    // `:not=a,b` means neither a nor b.
    return modifier === "not"
      ? filters.every((filter) => filter.matches(values))
      : filters.some((filter) => filter.matches(values));
  });
}

/** The instant that a stored resource was last written, in ms; null when its meta names none. */
export function lastUpdatedOf(value: Resource): number | null {
  const at = value.meta?.lastUpdated;
  return at === undefined ? null : (boundsOf(at)?.from ?? null);
}
