import type { PolicyAction } from "#core/policy-request.ts";

/** Letters of SMART App Launch 2.2 §3.0.2: create, read, update, delete, search. */
type Letter = "c" | "r" | "u" | "d" | "s";

interface Scope {
  /** "patient": the person's own patients only; "user": whatever policy lets the person do. */
  readonly context: "patient" | "user";
  /** A resource type, or "*". */
  readonly type: string;
  readonly letters: string;
}

export interface ScopeSet {
  /** Whether the token covers this at all; policy still decides. `own`: the record is one of the person's own patients. */
  allows(action: PolicyAction, type: string, own: boolean): boolean;
}

// Letters come in this order only; v1 words are those that SMART 2 keeps for older apps.
const scopeText = /^(patient|user)\/(\*|[A-Z][A-Za-z]*)\.(c?r?u?d?s?|read|write|\*)$/;
const versionOne: Readonly<Record<string, string>> = { read: "rs", write: "cud", "*": "cruds" };

// A scope with a `?` filter is not matched: not understood means not granted.
function parseScope(text: string): Scope | null {
  const found = scopeText.exec(text);
  if (found === null) return null;
  const [, context, type = "", letters = ""] = found;
  return {
    context: context === "patient" ? "patient" : "user",
    type,
    letters: versionOne[letters] ?? letters,
  };
}

const letterOf = {
  read: "r",
  history: "r",
  search: "s",
  "access-log": "r",
  "audit-read": "r",
  create: "c",
  update: "u",
  delete: "d",
  import: "c",
  export: "r",
  match: "s",
  merge: "u",
  "access-request": "r",
  "access-register": "r",
} as const satisfies Record<PolicyAction, Letter>;

/** Reads the scopes of an access token; those that are none of SMART's grant nothing here. */
export function scopeSet(texts: readonly string[]): ScopeSet {
  const scopes = texts.flatMap((text) => parseScope(text) ?? []);
  return {
    allows: (action, type, own) =>
      scopes.some(
        (scope) =>
          (scope.context === "user" || own) &&
          (scope.type === "*" || scope.type === type) &&
          scope.letters.includes(letterOf[action]),
      ),
  };
}
