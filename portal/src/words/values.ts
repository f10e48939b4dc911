import type { Dates } from "../dates/dates.ts";
import type { Part, Value } from "../fhir/observation.ts";
import { words } from "./en.ts";

const { results } = words.record;

const comparators: ReadonlyMap<string, string> = new Map([
  ["<", "less than "],
  ["<=", "at most "],
  [">", "more than "],
  [">=", "at least "],
]);

type Numbers = Pick<Dates, "number">;

/** "5.4 mmol/L", "less than 5 mg/L", or the laboratory's own words. */
export function valueWords(value: Value, numbers: Numbers): string {
  if (value.kind === "words") return value.words;
  const comparator = comparators.get(value.comparator ?? "") ?? "";
  return `${comparator}${withUnit(numbers.number(value.value), value.unit)}`;
}

/** "3.9 to 5.5 mmol/L"; null when no usual range was given. */
export function rangeWords({ range, value }: Part, numbers: Numbers): string | null {
  if (range === null) return null;
  const unit = range.unit ?? (value.kind === "quantity" ? value.unit : null);
  const low = range.low === null ? null : numbers.number(range.low);
  const high = range.high === null ? null : numbers.number(range.high);
  if (low !== null && high !== null) return withUnit(results.rangeBetween(low, high), unit);
  if (low !== null) return results.rangeFrom(withUnit(low, unit));
  return high === null ? range.text : results.rangeTo(withUnit(high, unit));
}

// UCUM marks what a person need not see: {score} is a remark, 1 stands for no unit.
function withUnit(amount: string, unit: string | null): string {
  const shown = unit?.replace(/^\{(.*)\}$/, "$1") ?? "";
  if (shown === "" || shown === "1") return amount;
  return shown === "%" ? `${amount}%` : `${amount} ${shown}`;
}
