import type { ResourceType } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Conformance } from "#records/fhir/conformance.ts";
import { isInclude, parseInclude } from "#records/fhir/search-includes.ts";
import type { IncludeRule, SearchPlan } from "#records/fhir/search-plan.ts";
import { parseElements, parseSummary } from "#records/fhir/search-shape.ts";
import { parseSort } from "#records/fhir/search-sort.ts";

/** What a search says of its answer rather than of the resources it looks for (R4 §3.1.1.5). */
export type AnswerPlan = Pick<SearchPlan, "count" | "sort" | "total" | "includes" | "shape">;

export const answerLimits = { includes: 20 } as const;

const once = ["_count", "_sort", "_format", "_pretty", "_summary", "_total", "_elements"] as const;
const onceNames: ReadonlySet<string> = new Set(once);

export function isAnswerParameter(name: string): boolean {
  return onceNames.has(name) || isInclude(name);
}

const invalid = (at: string, detail: string): Result<never> =>
  refuse("parameter-invalid", { at, detail });

function parseCount(query: URLSearchParams): Result<number> {
  if (query.get("_summary") === "count") return ok(0);
  const text = query.get("_count");
  if (text === null) return ok(limits.searchPageDefault);
  // A page may be smaller than was asked for (R4 §3.1.1.5.2), be that a number beyond all bounds.
  if (!/^[0-9]{1,30}$/.test(text)) return invalid("_count", "is not a whole number");
  return ok(Math.min(Number(text), limits.searchPageMax));
}

const formats = new Set(["json", "application/json", "application/fhir+json", "text/json"]);

function checkFormat(query: URLSearchParams): Result<null> {
  const format = query.get("_format");
  // A plus sign of `fhir+json` that was not escaped arrives as a space.
  const plain = format?.replace(/;.*$/, "").trim().replace(" ", "+");
  return plain === undefined || formats.has(plain) ? ok(null) : invalid("_format", "is not json");
}

/** `estimate` asks for no more than can be told exactly. */
function parseTotal(query: URLSearchParams): Result<AnswerPlan["total"]> {
  switch (query.get("_total")) {
    case "none":
      return ok(query.get("_summary") === "count" ? "accurate" : "none");
    case null:
    case "estimate":
    case "accurate":
      return ok("accurate");
    default:
      return invalid("_total", "is not none, estimate or accurate");
  }
}

function parseShape(type: ResourceType, query: URLSearchParams): Result<AnswerPlan["shape"]> {
  const [summary, elements] = [query.get("_summary"), query.get("_elements")];
  if (summary !== null && elements !== null)
    return invalid("_elements", "cannot stand beside _summary");
  if (elements !== null) return parseElements(type, elements);
  return summary === null ? ok(null) : parseSummary(summary);
}

function parseIncludes(
  type: ResourceType,
  query: URLSearchParams,
  conformance: Conformance,
): Result<readonly IncludeRule[]> {
  const asked = [...query].filter(([name]) => isInclude(name));
  if (asked.length > answerLimits.includes)
    return refuse("too-costly", { at: "_include", detail: "There are too many includes." });
  // R4 §3.1.1.5.8: a narrative without its data is of no use to whoever follows references.
  if (asked.length > 0 && query.get("_summary") === "text")
    return invalid("_summary", "cannot be text beside _include or _revinclude");
  const includes: IncludeRule[] = [];
  for (const [name, text] of asked) {
    const include = parseInclude(type, [name, text], conformance);
    if (!include.ok) return include;
    includes.push(include.value);
  }
  return ok(includes);
}

/** Fails with parameter-invalid, too-costly or parameter-unknown, naming the parameter in `at`. */
export function parseAnswer(
  type: ResourceType,
  query: URLSearchParams,
  conformance: Conformance,
): Result<AnswerPlan> {
  const repeated = once.find((name) => query.getAll(name).length > 1);
  if (repeated !== undefined) return invalid(repeated, "stands more than once");
  const format = checkFormat(query);
  if (!format.ok) return format;
  const count = parseCount(query);
  if (!count.ok) return count;
  const total = parseTotal(query);
  if (!total.ok) return total;
  const sort = parseSort(type, query.get("_sort"), conformance);
  if (!sort.ok) return sort;
  const shape = parseShape(type, query);
  if (!shape.ok) return shape;
  const includes = parseIncludes(type, query, conformance);
  if (!includes.ok) return includes;
  return ok({
    count: count.value,
    total: total.value,
    sort: sort.value,
    shape: shape.value,
    includes: includes.value,
  });
}
