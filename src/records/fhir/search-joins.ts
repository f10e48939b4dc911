import { parseResourceType, type ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Conformance } from "#records/fhir/conformance.ts";
import { linkOf, referencesThrough, type Link } from "#records/fhir/search-links.ts";
import type { Join, SearchPlan } from "#records/fhir/search-plan.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";

export interface JoinContext {
  readonly conformance: Conformance;
  /** Reads a search of the other type, in which no further join may stand. */
  readonly inner: (type: ResourceType, name: string, text: string) => Result<SearchPlan>;
}

export const joinLimits = {
  /** A chain that may lead to more types than this must name one. */
  targetTypes: 8,
} as const;

const hasPrefix = "_has:";

/** `subject.name`, `subject:Patient.name` or `_has:…`; a modifier holds no dot. */
export function isJoin(name: string): boolean {
  return name.startsWith(hasPrefix) || (name.includes(".") && !name.startsWith("_has"));
}

const invalid = (at: string, detail: string): Result<never> =>
  refuse("parameter-invalid", { at, detail });

const unknown = (at: string, detail: string): Result<never> =>
  refuse("parameter-unknown", { at, detail });

const codeOf = (name: string): string => name.split(":", 1)[0] ?? name;

interface Chain {
  readonly link: Link;
  /** The type that it names; null when it leaves it open. */
  readonly type: string | null;
  readonly rest: string;
}

/** The types to which the chain may lead, and in which there is what it asks. */
function chainTargets(
  at: string,
  { link, type, rest }: Chain,
  conformance: Conformance,
): Result<readonly ResourceType[]> {
  const { targets } = link.rule;
  if (type !== null && !targets.includes(type)) return unknown(at, "never refers to that type");
  const types = (type === null ? targets : [type]).flatMap((name) => parseResourceType(name) ?? []);
  const asked = types.filter((each) => searchParameters(each, conformance).has(codeOf(rest)));
  if (asked.length === 0) return unknown(at, "asks what the type it refers to has not");
  return asked.length > joinLimits.targetTypes
    ? invalid(at, "may refer to many types; name one, as in subject:Patient.name")
    : ok(asked);
}

/** `subject:Patient.name=x` (R4 §3.1.1.5.5 "chained parameters"). */
function parseChain(
  searched: ResourceType,
  [name, text]: readonly [string, string],
  { conformance, inner }: JoinContext,
): Result<Join> {
  const at = name.indexOf(".");
  const [code = "", type = null] = name.slice(0, at).split(":");
  const rest = name.slice(at + 1);
  if (isJoin(rest)) return unknown(name, "chains and _has are followed over one reference");
  const link = linkOf(searched, code, conformance);
  if (link === null) return unknown(name, "is no reference parameter of this type");
  const types = chainTargets(name, { link, type, rest }, conformance);
  if (!types.ok) return types;
  const targets: SearchPlan[] = [];
  for (const each of types.value) {
    const plan = inner(each, rest, text);
    if (!plan.ok) return { ...plan, problem: { ...plan.problem, at: name } };
    targets.push(plan.value);
  }
  return ok({ kind: "chain", at: name, referencesOf: referencesThrough([link], null), targets });
}

/** `_has:Observation:patient:code=x` (R4 §3.1.1.5.5 "reverse chaining"). */
function parseHas(
  searched: ResourceType,
  [name, text]: readonly [string, string],
  { conformance, inner }: JoinContext,
): Result<Join> {
  const [, source = "", code = "", ...more] = name.split(":");
  const rest = more.join(":");
  if (rest === "") return invalid(name, "is not _has:Type:reference:parameter");
  if (isJoin(rest)) return unknown(name, "chains and _has are followed over one reference");
  const link = linkOf(source, code, conformance);
  if (link === null) return unknown(name, "names no reference parameter of that type");
  if (!link.rule.targets.includes(searched)) return unknown(name, "never refers to this type");
  if (!searchParameters(source, conformance).has(codeOf(rest)))
    return unknown(name, "asks what that type has not");
  const plan = inner(link.source, rest, text);
  if (!plan.ok) return { ...plan, problem: { ...plan.problem, at: name } };
  const referencesOf = referencesThrough([link], searched);
  return ok({ kind: "has", at: name, referencesOf, plan: plan.value });
}

/**
 * Reads a chain or a `_has` of a search for `searched`. Fails with parameter-unknown when it leads
 * nowhere or over more than one reference, and as the search of the other type does, named in `at`.
 */
export function parseJoin(
  searched: ResourceType,
  asked: readonly [name: string, text: string],
  context: JoinContext,
): Result<Join> {
  return asked[0].startsWith(hasPrefix)
    ? parseHas(searched, asked, context)
    : parseChain(searched, asked, context);
}
