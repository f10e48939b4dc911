import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import { boundsOf, type Bounds } from "#records/fhir/dates.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { isLabelled, monthLabels, prefixLabel, tokenLabel } from "#records/fhir/search-labels.ts";
import { isPersonParameter, personFilter } from "#records/fhir/search-person.ts";
import type { SearchParameterRule } from "#records/fhir/search-parameters.ts";
import { folded, stretchesOf, textsOf, tokensOf } from "#records/fhir/search-values.ts";

/** One value of a search parameter, ready to be asked. */
export interface ValueFilter {
  /** Whether one of the values read from a resource answers the search. */
  readonly matches: (values: readonly unknown[]) => boolean;
  /** Labels of which every match has at least one; null when there are none to go by. */
  readonly labels: readonly string[] | null;
  /** The side on which a date leaves the search open, to be narrowed by another of the same parameter. */
  readonly bounds: Bounds | null;
}

/** `name:modifier=value`, of which `value` is one of those that a comma sets apart. */
export interface Asked {
  readonly rule: SearchParameterRule;
  readonly modifier: string | null;
  readonly value: string;
}

const everything: Bounds = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

function invalid({ rule, modifier }: Asked, detail: string): Result<never> {
  const at = modifier === null ? rule.code : `${rule.code}:${modifier}`;
  return refuse("parameter-invalid", { at, detail });
}

/** R4 §3.1.1.3: a backslash keeps `,`, `|` and `$` from being read as separators. */
export function splitUnescaped(text: string, separator: string): readonly string[] {
  const parts: string[] = [];
  let part = "";
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charAt(i);
    if (char === "\\") {
      part += char + text.charAt(i + 1);
      i += 1;
    } else if (char === separator) {
      parts.push(part);
      part = "";
    } else part += char;
  }
  return [...parts, part];
}

export function unescaped(text: string): string {
  return text.replaceAll(/\\([\\,|$])/g, "$1");
}

function tokenFilter(asked: Asked): Result<ValueFilter> {
  const parts = splitUnescaped(asked.value, "|").map(unescaped);
  if (parts.length > 2) return invalid(asked, "a token is code, |code, system| or system|code");
  const [first = "", second] = parts;
  const code = second ?? first;
  // `|code` asks for tokens without a system; `code` alone does not ask for one.
  const system = second === undefined ? undefined : first === "" ? null : first;
  if (code === "" && (system === null || system === undefined)) return invalid(asked, "is empty");
  const found = (values: readonly unknown[]): boolean =>
    values
      .flatMap(tokensOf)
      .some(
        (token) =>
          (code === "" || token.code === code) && (system === undefined || token.system === system),
      );
  const inverted = asked.modifier === "not";
  if (asked.modifier !== null && !inverted) return unsupported(asked, ":not");
  const labels =
    inverted || code === "" || !isLabelled(asked.rule) ? null : [tokenLabel(asked.rule.code, code)];
  return ok({
    matches: inverted ? (values) => !found(values) : found,
    labels,
    bounds: null,
  });
}

function unsupported({ rule, modifier }: Asked, known: string): Result<never> {
  return refuse("parameter-unknown", {
    at: `${rule.code}:${modifier}`,
    detail: `of the modifiers, a ${rule.kind} parameter takes ${known}`,
  });
}

function stringFilter(asked: Asked): Result<ValueFilter> {
  const { rule, modifier } = asked;
  const wanted = unescaped(asked.value);
  const start = folded(wanted);
  if (start === "") return invalid(asked, "is empty");
  const label = isLabelled(rule) ? prefixLabel(rule.code, wanted) : null;
  const labels = label === null ? null : [label];
  const by = (test: (text: string) => boolean): ValueFilter["matches"] => {
    return (values) => values.flatMap(textsOf).some(test);
  };
  switch (modifier) {
    case null:
      return ok({ matches: by((text) => folded(text).startsWith(start)), labels, bounds: null });
    case "exact":
      return ok({ matches: by((text) => text === wanted), labels, bounds: null });
    case "contains":
      return ok({
        matches: by((text) => folded(text).includes(start)),
        labels: null,
        bounds: null,
      });
    default:
      return unsupported(asked, ":exact and :contains");
  }
}

const prefixes = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"] as const;
type Prefix = (typeof prefixes)[number];

const within = (value: Bounds, wanted: Bounds): boolean =>
  wanted.from <= value.from && value.to <= wanted.to;

/** R4 §3.1.1.4.6: how a stretch of time answers each prefix. */
const compared: Readonly<Record<Prefix, (value: Bounds, wanted: Bounds) => boolean>> = {
  eq: within,
  ne: (value, wanted) => !within(value, wanted),
  gt: (value, wanted) => value.to > wanted.to,
  lt: (value, wanted) => value.from < wanted.from,
  // R4 wants more than a touch here; a visit that ended on the first day asked for is found all the same.
  ge: (value, wanted) => value.to >= wanted.from,
  le: (value, wanted) => value.from <= wanted.to,
  sa: (value, wanted) => value.from > wanted.to,
  eb: (value, wanted) => value.to < wanted.from,
};

/** What every match must touch. */
function searchedBounds(prefix: Prefix, wanted: Bounds): Bounds {
  switch (prefix) {
    case "eq":
      return wanted;
    case "gt":
    case "sa":
    case "ge":
      return { ...everything, from: wanted.from };
    case "lt":
    case "eb":
    case "le":
      return { ...everything, to: wanted.to };
    case "ne":
      return everything;
    default:
      return unreachable(prefix);
  }
}

function dateFilter(asked: Asked): Result<ValueFilter> {
  const { rule, modifier, value } = asked;
  if (modifier !== null) return unsupported(asked, "none");
  const prefix = prefixes.find((known) => value.startsWith(known));
  const wanted = boundsOf(prefix === undefined ? value : value.slice(2));
  if (wanted === null)
    return invalid(
      asked,
      "is not eq, ne, gt, lt, ge, le, sa or eb before a date such as 2024-05-01",
    );
  const test = compared[prefix ?? "eq"];
  const bounds = searchedBounds(prefix ?? "eq", wanted);
  return ok({
    matches: (values) => values.flatMap(stretchesOf).some((stretch) => test(stretch, wanted)),
    labels: isLabelled(rule) ? monthLabels(rule.code, bounds) : null,
    bounds,
  });
}

const historyPart = /\/_history\/[^/]*$/;

function referenceFilter(asked: Asked): Result<ValueFilter> {
  const { rule, modifier } = asked;
  const text = unescaped(asked.value);
  if (text === "") return invalid(asked, "is empty");
  if (modifier !== null && !rule.targets.includes(modifier))
    return unsupported(asked, `the name of a type: ${rule.targets.join(", ")}`);
  const wanted = wantedReferences(text, modifier === null ? rule.targets : [modifier]);
  return ok({
    matches: (values) =>
      values.some((value) => {
        const reference = isObject(value) ? value.reference : value;
        return typeof reference === "string" && wanted.has(reference.replace(historyPart, ""));
      }),
    labels: null,
    bounds: null,
  });
}

/** A bare id stands for that id of every type that the parameter may point to. */
function wantedReferences(text: string, types: readonly string[]): ReadonlySet<string> {
  const full = text.includes("/") || text.includes(":");
  return new Set(full ? [text] : types.map((type) => `${type}/${text}`));
}

function uriFilter(asked: Asked): Result<ValueFilter> {
  if (asked.modifier !== null) return unsupported(asked, "none");
  const wanted = unescaped(asked.value);
  if (wanted === "") return invalid(asked, "is empty");
  return ok({ matches: (values) => values.includes(wanted), labels: null, bounds: null });
}

/** Reads one value of a parameter; fails with parameter-invalid or parameter-unknown, naming it. */
export function valueFilter(asked: Asked): Result<ValueFilter> {
  if (isPersonParameter(asked)) return personFilter({ ...asked, value: unescaped(asked.value) });
  switch (asked.rule.kind) {
    case "token":
      return tokenFilter(asked);
    case "string":
      return stringFilter(asked);
    case "date":
      return dateFilter(asked);
    case "reference":
      return referenceFilter(asked);
    case "uri":
      return uriFilter(asked);
    default:
      return unreachable(asked.rule.kind);
  }
}
