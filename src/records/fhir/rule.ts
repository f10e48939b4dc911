import type { JsonObject } from "#records/fhir/json-value.ts";

/** A value in its place, as the variables of R4's rules need it. */
export interface Subject {
  readonly value: unknown;
  readonly type: string;
  /** `%resource`: the resource that the value stands in. */
  readonly resource: JsonObject;
  /** `%rootResource`: that resource, or the one that contains it. */
  readonly container: JsonObject;
}

/** Whether a rule of R4 holds; the value is of the type that the rule is stated for. */
export type Rule = (value: JsonObject, subject: Subject) => boolean;
