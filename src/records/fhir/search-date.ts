import { ok, unreachable, type Result } from "#core/result.ts";
import { boundsOf, type Bounds } from "#records/fhir/dates.ts";
import { invalid, unsupported, type Asked, type ValueFilter } from "#records/fhir/search-asked.ts";
import { isLabelled, monthLabels } from "#records/fhir/search-labels.ts";
import { compared, prefixed, type Prefix } from "#records/fhir/search-ranges.ts";
import { stretchesOf } from "#records/fhir/search-values.ts";

const everything: Bounds = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** What every match must touch. */
function searchedBounds(prefix: Prefix, wanted: Bounds): Bounds {
  switch (prefix) {
    case "eq":
    case "ap":
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

/** R4 §3.1.1.4.5 advises, for `ap`, a tenth of the time between now and the date. */
function approximately({ from, to }: Bounds, now: number): Bounds {
  const gap = from <= now && now <= to ? 0 : Math.min(Math.abs(now - from), Math.abs(now - to));
  return { from: Math.round(from - gap / 10), to: Math.round(to + gap / 10) };
}

/** A date, or part of one, after a prefix; any value of the resource may answer it. */
export function dateFilter(asked: Asked): Result<ValueFilter> {
  const { rule, modifier, value, where } = asked;
  if (modifier !== null) return unsupported(asked, ":missing");
  const { prefix, rest } = prefixed(value);
  const stated = boundsOf(rest);
  if (stated === null)
    return invalid(
      asked,
      "is not eq, ne, gt, lt, ge, le, sa, eb or ap before a date such as 2024-05-01",
    );
  const wanted = prefix === "ap" && where.now !== null ? approximately(stated, where.now) : stated;
  const test = compared[prefix];
  const bounds = searchedBounds(prefix, wanted);
  return ok({
    matches: (values) => values.flatMap(stretchesOf).some((stretch) => test(stretch, wanted)),
    labels: isLabelled(rule) ? monthLabels(rule.code, bounds) : null,
    bounds,
  });
}
