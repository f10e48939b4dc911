import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { boundsOf, type Bounds } from "#records/fhir/dates.ts";

/** One thing that a token parameter can match: `system` null where the element has none. */
export interface Token {
  readonly system: string | null;
  readonly code: string;
}

function textOr(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** The tokens of one value: code, boolean, Coding, CodeableConcept, Identifier or ContactPoint. */
export function tokensOf(value: unknown): readonly Token[] {
  if (typeof value === "string") return [{ system: null, code: value }];
  if (typeof value === "boolean") return [{ system: null, code: String(value) }];
  if (!isObject(value)) return [];
  if ("coding" in value) return listOf(value.coding).flatMap(tokensOf);
  // The code of a Quantity is that of its unit.
  if (typeof value.value === "number") return [];
  const code = textOr(value.code) ?? textOr(value.value);
  return code === null ? [] : [{ system: textOr(value.system), code }];
}

/** The texts for readers that stand beside a code: of a Coding, CodeableConcept or Identifier. */
export function captionsOf(value: unknown): readonly string[] {
  if (!isObject(value)) return [];
  const own = [value.display, value.text].filter((text) => typeof text === "string");
  return [...own, ...listOf(value.coding).flatMap(captionsOf), ...captionsOf(value.type)];
}

/** A number, or what lies between two, with its unit. */
export interface Amount {
  readonly range: Bounds;
  readonly system: string | null;
  readonly code: string | null;
  /** As it is printed. */
  readonly unit: string | null;
}

const currencies = "urn:iso:std:iso:4217";

function withUnit(range: Bounds, { system, code, unit, currency }: JsonObject): Amount {
  // The code of a Money is its currency (R4 §2.24.0.11).
  return textOr(currency) === null
    ? { range, system: textOr(system), code: textOr(code), unit: textOr(unit) }
    : { range, system: currencies, code: textOr(currency), unit: null };
}

/** `<5` stands for every number below (R4 §2.24.0.8). */
function comparedRange(value: number, comparator: unknown): Bounds {
  switch (comparator) {
    case "<":
    case "<=":
      return { from: Number.NEGATIVE_INFINITY, to: value };
    case ">":
    case ">=":
      return { from: value, to: Number.POSITIVE_INFINITY };
    default:
      return { from: value, to: value };
  }
}

/** A Range, open where it has no `low` or `high`. */
function amountBetween(low: unknown, high: unknown): readonly Amount[] {
  const [from] = amountsOf(low);
  const [to] = amountsOf(high);
  const either = from ?? to;
  if (either === undefined) return [];
  const range = {
    from: from?.range.from ?? Number.NEGATIVE_INFINITY,
    to: to?.range.to ?? Number.POSITIVE_INFINITY,
  };
  return [{ ...either, range }];
}

/** Of a SampledData, what its samples may lie between, where it says so. */
function sampledAmount({ origin, lowerLimit, upperLimit }: JsonObject): readonly Amount[] {
  if (!isObject(origin) || typeof lowerLimit !== "number" || typeof upperLimit !== "number")
    return [];
  return [withUnit({ from: lowerLimit, to: upperLimit }, origin)];
}

/** The amounts of one value: number, Quantity, Money, Range or SampledData. */
export function amountsOf(value: unknown): readonly Amount[] {
  if (typeof value === "number") return [withUnit({ from: value, to: value }, {})];
  if (!isObject(value)) return [];
  if (typeof value.value === "number")
    return [withUnit(comparedRange(value.value, value.comparator), value)];
  return "origin" in value ? sampledAmount(value) : amountBetween(value.low, value.high);
}

/** A stretch of time that may be open at either end. */
function periodBounds(period: JsonObject): Bounds | null {
  const start = typeof period.start === "string" ? boundsOf(period.start) : null;
  const end = typeof period.end === "string" ? boundsOf(period.end) : null;
  if (start === null && end === null) return null;
  return {
    from: start?.from ?? Number.NEGATIVE_INFINITY,
    to: end?.to ?? Number.POSITIVE_INFINITY,
  };
}

/** The stretches of one value: date, dateTime, instant, Period or the events of a Timing. */
export function stretchesOf(value: unknown): readonly Bounds[] {
  if (typeof value === "string") {
    const bounds = boundsOf(value);
    return bounds === null ? [] : [bounds];
  }
  if (!isObject(value)) return [];
  const events = listOf(value.event).flatMap(stretchesOf);
  const repeat = isObject(value.repeat) ? stretchesOf(value.repeat.boundsPeriod) : [];
  const own = periodBounds(value);
  return own === null ? [...events, ...repeat] : [own];
}

const nameParts = ["family", "given", "prefix", "suffix", "text"] as const;
const addressParts = [
  "text",
  "line",
  "city",
  "district",
  "state",
  "postalCode",
  "country",
] as const;
// HumanName and Address share no key but `text`, so both lists are asked of either.
const stringParts = [...new Set([...nameParts, ...addressParts])];

/** The texts of one value: string, markdown, or the parts of a HumanName or Address. */
export function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (!isObject(value)) return [];
  return stringParts.flatMap((part) => {
    const inner = value[part];
    if (typeof inner === "string") return [inner];
    return listOf(inner).filter((item) => typeof item === "string");
  });
}

const marks = /\p{M}+/gu;
const spaces = /\s+/gu;

/** Text as strings are compared: without case, accents or runs of white space (R4 §3.1.1.4.8). */
export function folded(text: string): string {
  return text.normalize("NFD").replaceAll(marks, "").toLowerCase().replaceAll(spaces, " ").trim();
}
