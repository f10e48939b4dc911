import { searchParameterDefinitions } from "#records/fhir/definitions.ts";
import { compilePath, type Reader } from "#records/fhir/paths.ts";

/** The kinds of search parameter that are evaluated; quantity, number, composite and special are not. */
export const searchKinds = ["token", "date", "string", "reference", "uri"] as const;
export type SearchKind = (typeof searchKinds)[number];

export interface SearchParameterRule {
  readonly code: string;
  readonly kind: SearchKind;
  /** The canonical url of R4's SearchParameter. */
  readonly definition: string;
  /** Types that a reference parameter may point to. */
  readonly targets: readonly string[];
  /** All values of the resource that the parameter looks at. */
  readonly read: Reader;
}

interface Stated {
  readonly code: string;
  readonly kind: SearchKind;
  readonly definition: string;
  readonly targets: readonly string[];
  /** By base type, the paths that apply to it. */
  readonly paths: ReadonlyMap<string, readonly string[]>;
}

// A parameter of these bases applies to every type.
const everyType = new Set(["Resource", "DomainResource"]);

/** `A.x | B.y` of a parameter with the bases A and B, as paths by base. */
function pathsByBase(
  bases: readonly string[],
  expression: string,
): ReadonlyMap<string, readonly string[]> {
  const alternatives = expression.split(" | ");
  const [only] = bases;
  if (only !== undefined && bases.length === 1) return new Map([[only, alternatives]]);
  const ofBase = (base: string): readonly string[] =>
    alternatives.filter((path) => path.replace(/^\(+/, "").startsWith(`${base}.`));
  return new Map(bases.map((base) => [base, ofBase(base)]));
}

function readStated(): readonly Stated[] {
  return searchParameterDefinitions().flatMap((definition) => {
    const { code, expression, base, type, target = [], url } = definition;
    const kind = searchKinds.find((known) => known === type);
    if (kind === undefined || expression === undefined) return [];
    return [{ code, kind, definition: url, targets: target, paths: pathsByBase(base, expression) }];
  });
}

/** Compiles when first read: a type has some twenty parameters, of which few are ever asked. */
function readerOf(paths: readonly string[], type: string): Reader {
  let compiled: Reader | null = null;
  return (resource) => (compiled ??= compileAll(paths, type))(resource);
}

function compileAll(paths: readonly string[], type: string): Reader {
  const readers = paths.map((path) => compilePath(path, type));
  const [first, ...more] = readers;
  if (first !== undefined && more.length === 0) return first;
  return (resource) => readers.flatMap((reader) => reader(resource));
}

function rulesFor(type: string, stated: readonly Stated[]): readonly SearchParameterRule[] {
  return stated.flatMap(({ code, kind, definition, targets, paths }) => {
    const own = paths.get(type) ?? [];
    const shared = [...paths].filter(([base]) => everyType.has(base)).flatMap(([, all]) => all);
    const all = [...own, ...shared.map((path) => path.replace(/^\w+\./, `${type}.`))];
    if (all.length === 0) return [];
    return [{ code, kind, definition, targets, read: readerOf(all, type) }];
  });
}

let statedOnce: readonly Stated[] | null = null;

// Parameters are constants of the standard: what was compiled once holds for the process.
const compiledRules = new Map<string, ReadonlyMap<string, SearchParameterRule>>();

/** The search parameters of a resource type, by code. */
export function searchParameters(type: string): ReadonlyMap<string, SearchParameterRule> {
  const known = compiledRules.get(type);
  if (known !== undefined) return known;
  statedOnce ??= readStated();
  const made = new Map(rulesFor(type, statedOnce).map((rule) => [rule.code, rule]));
  compiledRules.set(type, made);
  return made;
}
