import type { ResourceType } from "#core/ids.ts";
import { parseResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Conformance } from "#records/fhir/conformance.ts";
import { resourceTypes } from "#records/fhir/definitions.ts";
import {
  anyReferences,
  linkOf,
  linksOf,
  referencesThrough,
  type Link,
} from "#records/fhir/search-links.ts";
import type { IncludeRule } from "#records/fhir/search-plan.ts";

// R4 §3.1.1.5.4; `:recurse` is what STU3 called `:iterate`.
const names: ReadonlyMap<string, Pick<IncludeRule, "reverse" | "iterate">> = new Map([
  ["_include", { reverse: false, iterate: false }],
  ["_include:iterate", { reverse: false, iterate: true }],
  ["_include:recurse", { reverse: false, iterate: true }],
  ["_revinclude", { reverse: true, iterate: false }],
  ["_revinclude:iterate", { reverse: true, iterate: true }],
  ["_revinclude:recurse", { reverse: true, iterate: true }],
]);

export const isInclude = (name: string): boolean => names.has(name);

const invalid = (at: string, detail: string): Result<never> =>
  refuse("parameter-invalid", { at, detail });

interface Named {
  readonly source: ResourceType | null;
  readonly parameter: string;
  readonly target: ResourceType | null;
}

/** `Type:parameter:Target`, `Type:parameter`, `Type:*`, `Type:*:Target` or `*`. */
function parseNamed(at: string, text: string, conformance: Conformance): Result<Named> {
  if (text === "*") return ok({ source: null, parameter: "*", target: null });
  const [sourceText = "", parameter, targetText, more] = text.split(":");
  const source = resourceTypes().has(sourceText) ? parseResourceType(sourceText) : null;
  if (source === null || parameter === undefined || more !== undefined)
    return invalid(at, "is not Type:parameter, Type:parameter:Target or *");
  if (parameter !== "*" && linkOf(source, parameter, conformance) === null)
    return invalid(at, "names no reference parameter of that type");
  if (targetText === undefined || targetText === "") return ok({ source, parameter, target: null });
  const target = resourceTypes().has(targetText) ? parseResourceType(targetText) : null;
  return target === null
    ? invalid(at, "names a target type that is none")
    : ok({ source, parameter, target });
}

/** The types that a parameter, or `*`, may refer to, as far as its definition says. */
function canReferTo(named: Named, type: ResourceType, conformance: Conformance): boolean {
  if (named.source === null) return true;
  return namedLinks(named.source, named.parameter, conformance).some(({ rule }) =>
    rule.targets.includes(type),
  );
}

function namedLinks(
  source: ResourceType,
  parameter: string,
  conformance: Conformance,
): readonly Link[] {
  return linksOf(source, conformance).filter(
    ({ rule }) => parameter === "*" || rule.code === parameter,
  );
}

interface Asked extends Pick<IncludeRule, "reverse" | "iterate"> {
  readonly searched: ResourceType;
  readonly conformance: Conformance;
}

function faultOf(named: Named, { reverse, iterate, searched, conformance }: Asked): string | null {
  const { source, target } = named;
  if (reverse && source === null) return "names the type whose resources refer to the matches";
  if (target !== null && !canReferTo(named, target, conformance))
    return "names a type it never refers to";
  if (iterate) return null;
  if (!reverse)
    return source === null || source === searched
      ? null
      : "needs :iterate, as its type is not the one searched for";
  return (target ?? searched) === searched && canReferTo(named, searched, conformance)
    ? null
    : "never refers to the type searched for";
}

/**
 * Reads one `_include` or `_revinclude` of a search for `searched`. Fails with parameter-invalid when
 * it names no reference parameter, or could never add anything.
 */
export function parseInclude(
  searched: ResourceType,
  [name, text]: readonly [string, string],
  conformance: Conformance,
): Result<IncludeRule> {
  const kind = names.get(name);
  if (kind === undefined) return refuse("parameter-unknown", { at: name });
  const found = parseNamed(name, text, conformance);
  if (!found.ok) return found;
  const named = found.value;
  const fault = faultOf(named, { ...kind, searched, conformance });
  if (fault !== null) return invalid(name, fault);
  const { source, parameter, target } = named;
  if (source === null) return ok({ ...kind, ...named, referencesOf: anyReferences(target) });
  const links = namedLinks(source, parameter, conformance);
  return ok({ ...kind, ...named, referencesOf: referencesThrough(links, target) });
}
