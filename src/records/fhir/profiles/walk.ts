import type { JsonObject } from "#records/fhir/json-value.ts";
import type { Item } from "#records/fhir/profiles/items.ts";
import type { Profile } from "#records/fhir/profiles/node.ts";
import type { Profiles } from "#records/fhir/profiles/profiles.ts";
import { typeSchema } from "#records/fhir/schema.ts";
import type { Terminology } from "#records/fhir/terminology/terminology.ts";

/** What is to be said of a resource: `error` means that it does not conform. */
export interface Issue {
  readonly severity: "error" | "warning" | "information";
  /** FHIRPath of the element. */
  readonly at: string;
  /** Words that hold no value of the resource. */
  readonly detail: string;
}

/** A walk over one resource by the profiles that it should follow. */
export interface Check {
  readonly profiles: Profiles;
  readonly terminology: Terminology;
  readonly issues: Issue[];
  readonly path: (string | number)[];
  /** The resource in which the walk stands, for `%resource`. */
  readonly resource: JsonObject;
  /** The outermost resource that is not a Bundle or Parameters. */
  readonly container: JsonObject;
  /** The Bundle in which references find one another; null when there is none. */
  readonly bundle: JsonObject | null;
  /** Values that may still be looked at, shared by all that work on this resource. */
  readonly budget: { left: number };
  /** Profiles within profiles. */
  readonly depth: number;
  /** Whether a value follows a profile; what it lacks is not noted. */
  readonly conforms: (check: Check, item: Item, profile: Profile) => boolean;
}

export const maxIssues = 100;
/** Values looked at by all profiles of one resource; a resource of 16 MB has some 500,000. */
export const maxLooks = 1_000_000;

export function pathText(path: readonly (string | number)[]): string {
  let text = "";
  for (const step of path) text += typeof step === "number" ? `[${step}]` : `${text && "."}${step}`;
  return text;
}

export function say(check: Check, severity: Issue["severity"], detail: string): void {
  if (check.issues.length < maxIssues)
    check.issues.push({ severity, at: pathText(check.path), detail });
}

export const fault = (check: Check, detail: string): void => say(check, "error", detail);

/** Whether every value of `type` is one of `wider`, as a Patient is a Resource. */
export function isKindOf(type: string, wider: string): boolean {
  if (type === wider || wider === "Element") return true;
  if (wider === "Resource" || wider === "DomainResource")
    return typeSchema(type)?.isResource === true;
  return wider === "Quantity" && ["Age", "Distance", "Duration", "Count"].includes(type);
}
