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
  const code = textOr(value.code) ?? textOr(value.value);
  return code === null ? [] : [{ system: textOr(value.system), code }];
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
