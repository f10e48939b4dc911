import type { Resource } from "@medplum/fhirtypes";
import { parseResourceType } from "#core/ids.ts";
import type { PolicyAction } from "#core/policy-request.ts";
import { parseSmartScope, type SmartScope } from "#core/smart-scope.ts";
import { unreachable } from "#core/result.ts";
import { parseSearch } from "#records/fhir/search.ts";

/** Letters of SMART App Launch 2.2 §3.0.2: create, read, update, delete, search. */
type Letter = "c" | "r" | "u" | "d" | "s";

/**
 * What is known of the data itself when it is asked for. "unopened": whoever asks will ask again
 * once it is open, with all that it would show.
 */
export type Content = "unopened" | readonly Resource[];

export interface Covering {
  readonly action: PolicyAction;
  readonly type: string;
  /** Whether the data is of the patient in context. */
  readonly inContext: boolean;
  /** Whether a backend service asks, which has no person behind it; left out for a person. */
  readonly isService?: boolean;
  /** Left out where nobody asks again: then no scope counts that is narrowed by a filter. */
  readonly content?: Content | undefined;
}

export interface ScopeSet {
  /** Whether the token covers this at all; policy still decides. */
  allows(asked: Covering): boolean;
  /** Whether some scope is narrowed by a filter, so that the data itself matters. */
  readonly isFiltered: boolean;
}

interface Scope extends SmartScope {
  /** Whether a resource answers the filter; null when there is none. */
  readonly matches: ((value: Resource) => boolean) | null;
}

/** Null for a filter that is not a search we evaluate: such a scope grants nothing. */
function readScope(text: string): Scope | null {
  const scope = parseSmartScope(text);
  if (scope === null) return null;
  if (scope.filter === null) return { ...scope, matches: null };
  const type = parseResourceType(scope.type);
  if (type === null) return null;
  const plan = parseSearch(type, new URLSearchParams(scope.filter.replaceAll("+", "%2B")));
  if (!plan.ok || plan.value.joins.length > 0) return null;
  return { ...scope, matches: plan.value.matches };
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
  relabel: "u",
  import: "c",
  export: "r",
  match: "s",
  merge: "u",
  "access-request": "r",
  "access-register": "r",
  "break-glass": "r",
  "break-glass-review": "r",
} as const satisfies Record<PolicyAction, Letter>;

/** A service has no scopes but those of services, and nobody else has those, whatever a token says. */
function isOfContext({ context }: Scope, { inContext, isService = false }: Covering): boolean {
  switch (context) {
    case "system":
      return isService;
    case "user":
      return !isService;
    case "patient":
      return !isService && inContext;
    default:
      return unreachable(context);
  }
}

function fits(scope: Scope, asked: Covering): boolean {
  const { type, letters } = scope;
  return (
    isOfContext(scope, asked) &&
    (type === "*" || type === asked.type) &&
    letters.includes(letterOf[asked.action])
  );
}

function covers(fitting: readonly Scope[], content: Content | undefined): boolean {
  if (content === "unopened") return fitting.length > 0;
  if (fitting.some(({ matches }) => matches === null)) return true;
  if (content === undefined || fitting.length === 0) return false;
  return content.every((value) => fitting.some(({ matches }) => matches?.(value) === true));
}

/** Reads the scopes of an access token; those that are none of SMART's grant nothing here. */
export function scopeSet(texts: readonly string[]): ScopeSet {
  const scopes = texts.flatMap((text) => readScope(text) ?? []);
  return {
    allows: (asked) =>
      covers(
        scopes.filter((scope) => fits(scope, asked)),
        asked.content,
      ),
    isFiltered: scopes.some(({ matches }) => matches !== null),
  };
}
