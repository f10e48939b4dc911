import type { Resource } from "@medplum/fhirtypes";
import { unreachable } from "#core/result.ts";
import { monthOf, type Bounds } from "#records/fhir/dates.ts";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { searchParameters, type SearchParameterRule } from "#records/fhir/search-parameters.ts";
import { folded, stretchesOf, textsOf, tokensOf } from "#records/fhir/search-values.ts";

/**
 * Labels stand for what a resource can be looked up by without opening it. Each costs a keyed token
 * in the index, so only parameters that narrow a search are labelled; all others filter after opening.
 * A look-up may find too much, never too little: systems, days and whole words are filtered later.
 */
const labelledTokens = new Set([
  "category",
  "class",
  "clinical-status",
  "code",
  "identifier",
  "lifecycle-status",
  "status",
  "type",
  "vaccine-code",
]);
const labelledDates = new Set(["authoredon", "birthdate", "date", "onset-date"]);
const labelledStrings = new Set(["family", "given", "name"]);

/** A value that spans more months than this is found under one label for all long ones. */
const maxMonthsOfValue = 12;
/** A search over more months than this opens the resources instead. */
const maxMonthsOfSearch = 36;
/** Strings are found by up to this many of their first characters. */
const prefixCharacters = 3;

export function isLabelled({ code, kind, mayBeLabelled }: SearchParameterRule): boolean {
  if (!mayBeLabelled) return false;
  switch (kind) {
    case "token":
      return labelledTokens.has(code);
    case "date":
      return labelledDates.has(code);
    case "string":
      return labelledStrings.has(code);
    case "reference":
    case "uri":
    case "number":
    case "quantity":
    case "composite":
    case "special":
      return false;
    default:
      return unreachable(kind);
  }
}

export const tokenLabel = (parameter: string, code: string): string => `${parameter}=${code}`;

/** The label by which a text that begins so is found; null when the beginning is empty. */
export function prefixLabel(parameter: string, start: string): string | null {
  const prefix = folded(start).slice(0, prefixCharacters);
  return prefix === "" ? null : `${parameter}^${prefix}`;
}

function prefixLabels(parameter: string, text: string): readonly string[] {
  const start = folded(text).slice(0, prefixCharacters);
  return Array.from({ length: start.length }, (_, i) => `${parameter}^${start.slice(0, i + 1)}`);
}

/** The months from one instant to another as `2024-05`; null when they are more than `most`. */
function monthsBetween({ from, to }: Bounds, most: number): readonly string[] | null {
  if (!Number.isFinite(from) || !Number.isFinite(to)) return null;
  const months: string[] = [];
  const at = new Date(from);
  at.setUTCDate(1);
  at.setUTCHours(0, 0, 0, 0);
  for (; at.getTime() <= to; at.setUTCMonth(at.getUTCMonth() + 1)) {
    if (months.length === most) return null;
    months.push(monthOf(at.getTime()));
  }
  return months;
}

const longLabel = (parameter: string): string => `${parameter}~long`;

/** The labels under which every value that overlaps these bounds is found; null when too many. */
export function monthLabels(parameter: string, bounds: Bounds): readonly string[] | null {
  const months = monthsBetween(bounds, maxMonthsOfSearch);
  if (months === null) return null;
  return [...months.map((month) => `${parameter}~${month}`), longLabel(parameter)];
}

/** Labels all from the first to the last instant that any of the values touches. */
function dateLabels(parameter: string, stretches: readonly Bounds[]): readonly string[] {
  if (stretches.length === 0) return [];
  const from = Math.min(...stretches.map((stretch) => stretch.from));
  const to = Math.max(...stretches.map((stretch) => stretch.to));
  const months = monthsBetween({ from, to }, maxMonthsOfValue);
  return months?.map((month) => `${parameter}~${month}`) ?? [longLabel(parameter)];
}

function labelsFor(rule: SearchParameterRule, value: JsonObject): readonly string[] {
  const values = rule.read(value);
  if (values.length === 0) return [];
  switch (rule.kind) {
    case "token":
      return values.flatMap(tokensOf).map(({ code }) => tokenLabel(rule.code, code));
    case "date":
      return dateLabels(rule.code, values.flatMap(stretchesOf));
    case "string":
      return values.flatMap(textsOf).flatMap((text) => prefixLabels(rule.code, text));
    case "reference":
    case "uri":
    case "number":
    case "quantity":
    case "composite":
    case "special":
      return [];
    default:
      return unreachable(rule.kind);
  }
}

const labelledByType = new Map<string, readonly SearchParameterRule[]>();

function labelledRules(type: string): readonly SearchParameterRule[] {
  const known = labelledByType.get(type);
  if (known !== undefined) return known;
  const rules = [...searchParameters(type).values()].filter(isLabelled);
  labelledByType.set(type, rules);
  return rules;
}

/** All labels under which this resource is found, each once. They hold its values: never store them. */
export function searchLabels(value: Resource): readonly string[] {
  if (!isObject(value)) return [];
  const labels = new Set<string>();
  for (const rule of labelledRules(value.resourceType))
    for (const label of labelsFor(rule, value)) labels.add(label);
  return [...labels];
}
