import type { Resource } from "@medplum/fhirtypes";
import { parseResourceId, type ResourceId, type ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { blindGroups } from "#records/fhir/blind-search.ts";
import type { Bounds } from "#records/fhir/dates.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { parseReference } from "#records/fhir/references.ts";
import { splitUnescaped, type AskedWhere, type ValueFilter } from "#records/fhir/search-asked.ts";
import { valueFilter } from "#records/fhir/search-filters.ts";
import { isLabelled, monthLabels } from "#records/fhir/search-labels.ts";
import type { SearchPlan } from "#records/fhir/search-plan.ts";
import type { SearchParameterRule } from "#records/fhir/search-parameters.ts";
import type { BlindLabel } from "#vault/blind-index.ts";

export const searchLimits = {
  parameters: 40,
  joins: 5,
  valuesPerParameter: 100,
  valueCharacters: 4_000,
} as const;

/** One occurrence of a parameter in the query: all of its values OR'd. */
export interface Clause {
  readonly rule: SearchParameterRule;
  readonly modifier: string | null;
  readonly values: readonly string[];
  readonly filters: readonly ValueFilter[];
}

/** `code` of `code:modifier`. */
export const parameterCode = (name: string): string => split(name).code;

function split(name: string): { readonly code: string; readonly modifier: string | null } {
  const at = name.indexOf(":");
  return at === -1
    ? { code: name, modifier: null }
    : { code: name.slice(0, at), modifier: name.slice(at + 1) };
}

/** `Type/id` of an address on this server, so that what looks for the patient sees her. */
function ourReference({ kind }: SearchParameterRule, value: string, base: string | null): string {
  const isOurs = kind === "reference" && base !== null && value.startsWith(`${base}/`);
  return isOurs ? value.slice(base.length + 1) : value;
}

/** Fails with parameter-invalid or parameter-unknown, naming the parameter. */
export function parseClause(
  rule: SearchParameterRule,
  [name, text]: readonly [string, string],
  where: AskedWhere,
): Result<Clause> {
  const { modifier } = split(name);
  const values = splitUnescaped(text, ",");
  if (values.length > searchLimits.valuesPerParameter || text.length > searchLimits.valueCharacters)
    return refuse("parameter-invalid", { at: name, detail: "names too many values" });
  const filters: ValueFilter[] = [];
  for (const value of values) {
    const filter = valueFilter({ rule, modifier, value, where });
    if (!filter.ok) return filter;
    filters.push(filter.value);
  }
  const named = values.map((value) => ourReference(rule, value, where.base));
  return ok({ rule, modifier, values: named, filters });
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
  if (modifier !== null && modifier !== "Patient") return null;
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
    const isId = type === "Patient" && clause.rule.code === "_id" && clause.modifier === null;
    if (isId && id !== undefined && more === undefined) return parseResourceId(id);
  }
  return null;
}

function idsOf(clauses: readonly Clause[]): readonly ResourceId[] | null {
  const asked = clauses.find(({ rule, modifier }) => rule.code === "_id" && modifier === null);
  return asked === undefined ? null : asked.values.flatMap((text) => parseResourceId(text) ?? []);
}

/** What the clauses leave to look up before anything is opened. */
export function narrowedBy(
  type: ResourceType,
  clauses: readonly Clause[],
): Pick<SearchPlan, "labels" | "blind" | "patient" | "ids" | "lastUpdated"> {
  return {
    labels: labelGroups(clauses),
    blind: blindOf(type, clauses),
    patient: patientOf(type, clauses),
    ids: idsOf(clauses),
    lastUpdated: jointBounds(clauses, "_lastUpdated"),
  };
}

/** Whether a resource answers every clause. */
export function matchesAll(value: Resource, clauses: readonly Clause[]): boolean {
  if (!isObject(value)) return false;
  return clauses.every(({ rule, filters, modifier }) => {
    const values = rule.read(value);
    // `:not=a,b` means neither a nor b.
    return modifier === "not"
      ? filters.every((filter) => filter.matches(values))
      : filters.some((filter) => filter.matches(values));
  });
}
