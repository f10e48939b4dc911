import { conceptCodes } from "./concept.ts";
import { at, list, number, text } from "./json.ts";

/** Where a value stands against what is usual. */
export type Standing =
  | "in-range"
  | "high"
  | "low"
  | "very-high"
  | "very-low"
  | "unusual"
  | "unknown";

export interface Range {
  readonly low: number | null;
  readonly high: number | null;
  readonly unit: string | null;
  /** The laboratory's own words for it, when it gave any. */
  readonly text: string | null;
}

/** HL7 v3 ObservationInterpretation, the codes that say where a value stands. */
const standings: ReadonlyMap<string, Standing> = new Map([
  ["N", "in-range"],
  ["H", "high"],
  ["HU", "high"],
  ["HH", "very-high"],
  ["L", "low"],
  ["LU", "low"],
  ["LL", "very-low"],
  ["A", "unusual"],
  ["AA", "unusual"],
]);

/** The normal range of an observation or component: one without a type, or of type normal. */
export function readRange(ranges: unknown): Range | null {
  const normal = list(ranges).find((range) => {
    const type = at(range, "type");
    return type === undefined || conceptCodes(type).includes("normal");
  });
  if (normal === undefined) return null;
  const range = {
    low: number(at(normal, "low", "value")),
    high: number(at(normal, "high", "value")),
    unit: text(at(normal, "low", "unit")) ?? text(at(normal, "high", "unit")),
    text: text(at(normal, "text")),
  };
  return range.low === null && range.high === null && range.text === null ? null : range;
}

export interface Measured {
  readonly value: number;
  readonly unit: string | null;
  /** FHIR comparator: the true value is below, above, … the one written. */
  readonly comparator: string | null;
}

/**
 * The laboratory's interpretation first; else the value against the range, if both have the same
 * unit. A value with a comparator is judged only where every value it stands for has one standing.
 */
export function standingOf(
  interpretation: unknown,
  measured: Measured | null,
  range: Range | null,
): Standing {
  for (const code of list(interpretation).flatMap(conceptCodes)) {
    const standing = standings.get(code);
    if (standing !== undefined) return standing;
  }
  if (measured === null || range === null) return "unknown";
  const sameUnit = measured.unit === null || range.unit === null || measured.unit === range.unit;
  return sameUnit ? compare(measured, range) : "unknown";
}

function compare({ value, comparator }: Measured, { low, high }: Range): Standing {
  if (low === null && high === null) return "unknown";
  const isBelow = comparator === "<" || comparator === "<=";
  const isAbove = comparator === ">" || comparator === ">=";
  const isOpen = comparator === "<" || comparator === ">";
  // "< 5" is what a laboratory writes below its limit of detection: no amount is less than none.
  const from = isBelow ? Math.min(0, value) : value;
  const to = isAbove ? Number.POSITIVE_INFINITY : value;
  if (high !== null && (from > high || (isOpen && from === high))) return "high";
  if (low !== null && (to < low || (isOpen && to === low))) return "low";
  const fits = (low === null || from >= low) && (high === null || to <= high);
  return fits ? "in-range" : "unknown";
}
