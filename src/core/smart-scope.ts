/** A scope for FHIR data (SMART App Launch 2.2 §3.0.2), as identity grants it and records obeys it. */
export interface SmartScope {
  /** "patient": of the patient in context. "user": whatever the person may. "system": without a person. */
  readonly context: "patient" | "user" | "system";
  /** A resource type, or "*". */
  readonly type: string;
  /** Of "cruds", in this order: create, read, update, delete, search. */
  readonly letters: string;
  /** Search parameters that the data must answer, e.g. "category=laboratory"; null when all does. */
  readonly filter: string | null;
}

export const smartScopeLimits = {
  scopeChars: 500,
  /** Scopes that one token may name. */
  scopes: 100,
} as const;

// Letters come in this order only; v1 words are those that SMART 2 keeps for older apps. A filter's
// parameter has no modifier, chain or underscore: nothing that looks beyond the one resource.
const scopeText =
  /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{0,63})\.((?=[cruds])c?r?u?d?s?|read|write|\*)(?:\?([a-z][a-z-]*=[^&=?#\s"\\]+(?:&[a-z][a-z-]*=[^&=?#\s"\\]+)*))?$/;

const versionOne: ReadonlyMap<string, string> = new Map([
  ["read", "rs"],
  ["write", "cud"],
  ["*", "cruds"],
]);

const contexts = ["patient", "user", "system"] as const;

/** Null for what is no such scope: not understood means not granted. */
export function parseSmartScope(text: string): SmartScope | null {
  const found = text.length > smartScopeLimits.scopeChars ? null : scopeText.exec(text);
  if (found === null) return null;
  const [, named, type = "", letters = "", filter = null] = found;
  const context = contexts.find((each) => each === named);
  // Of any type, a filter has no parameters that it could name.
  if (context === undefined || (filter !== null && type === "*")) return null;
  return { context, type, letters: versionOne.get(letters) ?? letters, filter };
}
