import { r4Alone, type Conformance } from "#records/fhir/conformance.ts";
import { searchParameterDefinitions } from "#records/fhir/definitions.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import { alternativesOf, compilePath, valueSetsAt, type Reader } from "#records/fhir/paths.ts";
import { compileTuples, type Part } from "#records/fhir/search-tuples.ts";

/** The kinds of search parameter; of special ones there is `near` alone. */
export const searchKinds = [
  "token",
  "date",
  "string",
  "reference",
  "uri",
  "number",
  "quantity",
  "composite",
  "special",
] as const;
export type SearchKind = (typeof searchKinds)[number];

export interface SearchParameterRule {
  readonly code: string;
  readonly kind: SearchKind;
  /** The canonical url of the SearchParameter. */
  readonly definition: string;
  /** Types that a reference parameter may point to. */
  readonly targets: readonly string[];
  /**
   * All values of the resource that the parameter looks at. Of a composite, for each element that has
   * all of its parts, a list with the values of each part.
   */
  readonly read: Reader;
  /** The parts of a composite, in their order; empty for all other kinds. They read nothing. */
  readonly components: readonly SearchParameterRule[];
  /** The value sets of its codes that stand without their system, which they imply. */
  readonly valueSets: () => readonly string[];
  /**
   * Whether its values may stand in the index: when R4 itself has it, and it looks at the whole
   * resource. What a package adds came after rows that were never labelled for it.
   */
  readonly mayBeLabelled: boolean;
}

interface Stated {
  readonly code: string;
  readonly kind: SearchKind;
  readonly definition: string;
  readonly targets: readonly string[];
  /** By base type, the paths that apply to it. */
  readonly paths: ReadonlyMap<string, readonly string[]>;
  readonly parts: readonly Part[];
  readonly isOfR4: boolean;
}

// A parameter of these bases applies to every type.
const everyType = new Set(["Resource", "DomainResource"]);

/** `A.x | B.y` of a parameter with the bases A and B, as paths by base. */
function pathsByBase(
  bases: readonly string[],
  expression: string,
): ReadonlyMap<string, readonly string[]> {
  const alternatives = alternativesOf(expression);
  const [only] = bases;
  if (only !== undefined && bases.length === 1) return new Map([[only, alternatives]]);
  const ofBase = (base: string): readonly string[] =>
    alternatives.filter((path) => path.replace(/^\(+/, "").startsWith(`${base}.`));
  return new Map(bases.map((base) => [base, ofBase(base)]));
}

const textsOf = (value: unknown): readonly string[] =>
  listOf(value).filter((each) => typeof each === "string");

function partsOf(component: unknown): readonly Part[] {
  return listOf(component).flatMap((each) => {
    if (!isObject(each)) return [];
    const { definition, expression } = each;
    return typeof definition === "string" && typeof expression === "string"
      ? [{ definition, expression }]
      : [];
  });
}

/** Nothing when it is no parameter that can be evaluated: a package may hold anything. */
function stated(definition: unknown, isOfR4: boolean): readonly Stated[] {
  if (!isObject(definition)) return [];
  const { code, expression, type, url } = definition;
  const kind = searchKinds.find((known) => known === type);
  if (typeof code !== "string" || typeof url !== "string" || typeof expression !== "string")
    return [];
  if (kind === undefined || (kind === "special" && code !== "near")) return [];
  const paths = pathsByBase(textsOf(definition.base), expression);
  const targets = textsOf(definition.target);
  const parts = partsOf(definition.component);
  return [{ code, kind, definition: url, targets, paths, parts, isOfR4 }];
}

/** Compiles when first read: a type has some twenty parameters, of which few are ever asked. */
function readerOf(compile: () => Reader): Reader {
  let compiled: Reader | null = null;
  return (resource) => (compiled ??= compile())(resource);
}

/** What the library cannot evaluate of a package's expression has no value: R4 says it of no parameter. */
function guardedReader(compile: () => Reader): Reader {
  const read = readerOf(compile);
  return (resource) => {
    try {
      return read(resource);
    } catch {
      return [];
    }
  };
}

function compileAll(paths: readonly string[], type: string): Reader {
  const readers = paths.map((path) => compilePath(path, type));
  const [first, ...more] = readers;
  if (first !== undefined && more.length === 0) return first;
  return (resource) => readers.flatMap((reader) => reader(resource));
}

const leaf: Pick<SearchParameterRule, "components" | "valueSets"> = {
  components: [],
  valueSets: () => [],
};

interface Compiling {
  readonly type: string;
  readonly byDefinition: ReadonlyMap<string, Stated>;
}

/** The parts of a composite, each as the parameter that it stands for; null when one is not known. */
function componentsOf(
  { parts }: Stated,
  isOfWhole: boolean,
  { byDefinition }: Compiling,
): readonly SearchParameterRule[] | null {
  const components = parts.flatMap(({ definition }): SearchParameterRule[] => {
    const part = byDefinition.get(definition);
    if (part === undefined || part.kind === "composite") return [];
    const { code, kind, targets, isOfR4 } = part;
    const mayBeLabelled = isOfR4 && isOfWhole;
    return [{ ...leaf, code, kind, definition, targets, read: () => [], mayBeLabelled }];
  });
  return components.length === parts.length ? components : null;
}

function ruleFor(parameter: Stated, compiling: Compiling): SearchParameterRule | null {
  const { code, kind, definition, targets, paths, parts, isOfR4 } = parameter;
  const { type } = compiling;
  const own = paths.get(type) ?? [];
  const shared = [...paths].filter(([base]) => everyType.has(base)).flatMap(([, all]) => all);
  const all = [...own, ...shared.map((path) => path.replace(/^\w+\./, `${type}.`))];
  if (all.length === 0) return null;
  const reader = isOfR4 ? readerOf : guardedReader;
  const named = { code, kind, definition, targets, mayBeLabelled: isOfR4 };
  const valueSets = (): readonly string[] => all.flatMap((path) => valueSetsAt(path, type));
  if (kind !== "composite")
    return { ...named, ...leaf, valueSets, read: reader(() => compileAll(all, type)) };
  const components = componentsOf(
    parameter,
    all.every((path) => path === type),
    compiling,
  );
  if (components === null || components.length === 0) return null;
  const tuples = (): Reader => {
    const readers = all.map((path) => compileTuples(path, type, parts));
    return (resource) => readers.flatMap((read) => read(resource));
  };
  return { ...named, ...leaf, components, read: reader(tuples) };
}

type Rules = ReadonlyMap<string, SearchParameterRule>;

interface Known {
  readonly all: readonly Stated[];
  readonly byDefinition: ReadonlyMap<string, Stated>;
  readonly compiled: Map<string, Rules>;
}

function knownOf(all: readonly Stated[]): Known {
  const byDefinition = new Map(all.map((each) => [each.definition, each]));
  return { all, byDefinition, compiled: new Map() };
}

let ofR4: readonly Stated[] | null = null;

// A Conformance never changes: what was compiled from it holds as long as it is in use.
const knownBy = new WeakMap<Conformance, Known>();

function knownIn(conformance: Conformance): Known {
  const known = knownBy.get(conformance);
  if (known !== undefined) return known;
  ofR4 ??= searchParameterDefinitions().flatMap((each) => stated(each, true));
  const added = conformance.extraSearchParameters().flatMap((each) => stated(each, false));
  const made = knownOf([...added, ...ofR4]);
  knownBy.set(conformance, made);
  return made;
}

/**
 * The search parameters of a resource type, by code: those of R4 and, under other codes, those that
 * installed packages add.
 */
export function searchParameters(type: string, conformance: Conformance = r4Alone): Rules {
  const { all, byDefinition, compiled } = knownIn(conformance);
  const known = compiled.get(type);
  if (known !== undefined) return known;
  const rules = all.flatMap((each) => ruleFor(each, { type, byDefinition }) ?? []);
  const made = new Map(rules.map((rule) => [rule.code, rule]));
  compiled.set(type, made);
  return made;
}
