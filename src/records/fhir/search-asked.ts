import type { Instant } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import type { Result } from "#core/result.ts";
import type { Bounds } from "#records/fhir/dates.ts";
import type { SearchParameterRule } from "#records/fhir/search-parameters.ts";

/** One value of a search parameter, ready to be asked. */
export interface ValueFilter {
  /** Whether one of the values read from a resource answers the search. */
  readonly matches: (values: readonly unknown[]) => boolean;
  /** Labels of which every match has at least one; null when there are none to go by. */
  readonly labels: readonly string[] | null;
  /** The side on which a date leaves the search open, to be narrowed by another of the same parameter. */
  readonly bounds: Bounds | null;
}

/** What a value means only where and when it is asked. */
export interface AskedWhere {
  /** `ap` of a date is wider the further that lies from now; null when nobody told. */
  readonly now: Instant | null;
  /** `https://host/fhir`: an address under it is a resource of this server; null when nobody told. */
  readonly base: string | null;
}

/** `name:modifier=value`, of which `value` is one of those that a comma sets apart. */
export interface Asked {
  readonly rule: SearchParameterRule;
  readonly modifier: string | null;
  readonly value: string;
  readonly where: AskedWhere;
}

/** A filter that can only be asked of opened resources. */
export const filterAlone = (matches: ValueFilter["matches"]): ValueFilter => ({
  matches,
  labels: null,
  bounds: null,
});

/** The value cannot be used; `detail` says what it is not, and never repeats it. */
export function invalid({ rule, modifier }: Asked, detail: string): Result<never> {
  const at = modifier === null ? rule.code : `${rule.code}:${modifier}`;
  return refuse("parameter-invalid", { at, detail });
}

/** The modifier is none of the `known` ones. */
export function unsupported({ rule, modifier }: Asked, known: string): Result<never> {
  return refuse("parameter-unknown", {
    at: `${rule.code}:${modifier}`,
    detail: `of the modifiers, a ${rule.kind} parameter takes ${known}`,
  });
}

/** R4 §3.1.1.3: a backslash keeps `,`, `|` and `$` from being read as separators. */
export function splitUnescaped(text: string, separator: string): readonly string[] {
  if (!text.includes("\\")) return text.split(separator);
  const parts: string[] = [];
  let part = "";
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charAt(i);
    if (char === "\\") {
      part += char + text.charAt(i + 1);
      i += 1;
    } else if (char === separator) {
      parts.push(part);
      part = "";
    } else part += char;
  }
  return [...parts, part];
}

export function unescaped(text: string): string {
  return text.includes("\\") ? text.replaceAll(/\\([\\,|$])/g, "$1") : text;
}
