import { conceptKey, conceptName, conceptText, referenceText } from "./concept.ts";
import { at, list, number, text } from "./json.ts";
import { readRange, standingOf, type Measured, type Range, type Standing } from "./range.ts";

export type Value =
  | ({ readonly kind: "quantity" } & Measured)
  | { readonly kind: "words"; readonly words: string };

/** One measured thing; a blood pressure observation has two, most others one. */
export interface Part {
  readonly key: string;
  readonly name: string;
  readonly value: Value;
  readonly range: Range | null;
  readonly standing: Standing;
}

export interface Observed {
  readonly id: string;
  /** The same for every observation of the same test. */
  readonly test: string;
  readonly name: string;
  /** FHIR dateTime, as precise as it was recorded; null when unknown. */
  readonly at: string | null;
  readonly isFinal: boolean;
  readonly parts: readonly Part[];
  readonly performer: string | null;
  readonly notes: readonly string[];
}

/** Null when it has no id, no name or nothing measured to show. */
export function readObservation(resource: unknown): Observed | null {
  const id = text(at(resource, "id"));
  const test = conceptKey(at(resource, "code"));
  const name = conceptName(at(resource, "code"));
  if (id === null || test === null || name === null) return null;
  const status = text(at(resource, "status"));
  if (status === "cancelled") return null;
  const own = readPart(resource, { key: test, name });
  const components = list(at(resource, "component")).flatMap((one) => readComponent(one) ?? []);
  const parts = own === null ? components : [own, ...components];
  if (parts.length === 0) return null;
  return {
    id,
    test,
    name,
    at:
      text(at(resource, "effectiveDateTime")) ??
      text(at(resource, "effectivePeriod", "start")) ??
      text(at(resource, "effectiveInstant")) ??
      text(at(resource, "issued")),
    isFinal: status !== "preliminary" && status !== "registered",
    parts,
    performer: referenceText(at(resource, "performer", 0)),
    notes: list(at(resource, "note")).flatMap((note) => text(at(note, "text")) ?? []),
  };
}

function readComponent(component: unknown): Part | null {
  const key = conceptKey(at(component, "code"));
  const name = conceptName(at(component, "code"));
  return key === null || name === null ? null : readPart(component, { key, name });
}

function readPart(holder: unknown, named: { key: string; name: string }): Part | null {
  const value = readValue(holder);
  if (value === null) return null;
  const range = readRange(at(holder, "referenceRange"));
  const measured = value.kind === "quantity" ? value : null;
  const standing = standingOf(at(holder, "interpretation"), measured, range);
  return { ...named, value, range, standing };
}

/** The members of Observation.value[x] that a laboratory or a nurse writes. */
function readValue(holder: unknown): Value | null {
  const quantity = at(holder, "valueQuantity");
  const value = number(at(quantity, "value")) ?? number(at(holder, "valueInteger"));
  if (value !== null) {
    const unit = text(at(quantity, "unit")) ?? text(at(quantity, "code"));
    return { kind: "quantity", value, unit, comparator: text(at(quantity, "comparator")) };
  }
  const words =
    conceptText(at(holder, "valueCodeableConcept")) ??
    text(at(holder, "valueString")) ??
    text(at(holder, "valueDateTime")) ??
    ratioText(at(holder, "valueRatio")) ??
    spanText(at(holder, "valueRange"));
  if (words !== null) return { kind: "words", words };
  const flag = at(holder, "valueBoolean");
  return typeof flag === "boolean" ? { kind: "words", words: flag ? "Yes" : "No" } : null;
}

function ratioText(ratio: unknown): string | null {
  const top = number(at(ratio, "numerator", "value"));
  const under = number(at(ratio, "denominator", "value"));
  return top === null || under === null ? null : `${top} : ${under}`;
}

function spanText(range: unknown): string | null {
  const low = number(at(range, "low", "value"));
  const high = number(at(range, "high", "value"));
  return low === null || high === null ? null : `${low} to ${high}`;
}
