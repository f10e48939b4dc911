import type {
  CodeSystem,
  CodeSystemConcept,
  ValueSetComposeIncludeFilter,
} from "@medplum/fhirtypes";

/** A code with what filters of value sets ask of it. */
interface Concept {
  readonly display: string | null;
  readonly parents: ReadonlySet<string>;
  readonly properties: readonly (readonly [code: string, value: string])[];
}

/** A code system whose codes are all known. */
export interface CodeList {
  readonly has: (code: string) => boolean;
  readonly codes: () => Iterable<string>;
  /** Null when the code is not known or has no display. */
  readonly display: (code: string) => string | null;
  /** Whether the filter lets the code through; null when it cannot be told. */
  readonly passes: (code: string, filter: ValueSetComposeIncludeFilter) => boolean | null;
}

const parentProperties = new Set(["parent", "subsumedBy"]);

function propertiesOf({ property }: CodeSystemConcept): (readonly [string, string])[] {
  return (property ?? []).flatMap((each) => {
    const { code, valueCode, valueString, valueBoolean, valueCoding } = each;
    const value = valueCode ?? valueString ?? valueCoding?.code ?? valueBoolean?.toString();
    return code === undefined || value === undefined ? [] : [[code, value] as const];
  });
}

function gather(
  into: Map<string, Concept>,
  concepts: readonly CodeSystemConcept[],
  parent: string | null,
): void {
  for (const concept of concepts) {
    const { code, display = null, concept: children = [] } = concept;
    if (code === undefined) continue;
    const properties = propertiesOf(concept);
    const stated = properties.flatMap(([name, value]) =>
      parentProperties.has(name) ? [value] : [],
    );
    const parents = new Set([...stated, ...(parent === null ? [] : [parent])]);
    into.set(code, { display, parents, properties });
    gather(into, children, code);
  }
}

function descends(
  concepts: ReadonlyMap<string, Concept>,
  code: string,
  from: string,
  seen: Set<string> = new Set(),
): boolean {
  if (seen.has(code)) return false;
  seen.add(code);
  const parents = concepts.get(code)?.parents ?? [];
  for (const parent of parents)
    if (parent === from || descends(concepts, parent, from, seen)) return true;
  return false;
}

const hierarchy = new Set(["concept", "code"]);

function passes(
  concepts: ReadonlyMap<string, Concept>,
  code: string,
  { property, op, value }: ValueSetComposeIncludeFilter,
): boolean | null {
  const properties = concepts.get(code)?.properties ?? [];
  const valuesOf = (): readonly string[] =>
    hierarchy.has(property)
      ? [code]
      : properties.flatMap(([name, held]) => (name === property ? [held] : []));
  const listed = (): boolean => {
    const wanted = new Set(value.split(",").map((each) => each.trim()));
    return valuesOf().some((held) => wanted.has(held));
  };
  switch (op) {
    case "is-a":
      return hierarchy.has(property) ? code === value || descends(concepts, code, value) : null;
    case "descendent-of":
      return hierarchy.has(property) ? descends(concepts, code, value) : null;
    case "is-not-a":
      return hierarchy.has(property) ? code !== value && !descends(concepts, code, value) : null;
    case "=":
      return valuesOf().includes(value);
    case "in":
      return listed();
    case "not-in":
      return !listed();
    case "exists":
      return valuesOf().length > 0 === (value === "true");
    case "regex":
    case "generalizes":
    default:
      return null;
  }
}

/**
 * The codes of a code system; null when the definition does not state them all (R4 §4.8.8: content
 * other than complete, such as that of SNOMED CT), so that a code unknown here may be right.
 */
export function codeListOf({ content, concept = [], caseSensitive }: CodeSystem): CodeList | null {
  if (content !== "complete" || concept.length === 0) return null;
  const concepts = new Map<string, Concept>();
  gather(concepts, concept, null);
  const anyCase =
    caseSensitive === false
      ? new Map([...concepts.keys()].map((code) => [code.toLowerCase(), code]))
      : null;
  const known = (code: string): string => anyCase?.get(code.toLowerCase()) ?? code;
  return {
    has: (code) => concepts.has(known(code)),
    codes: () => concepts.keys(),
    display: (code) => concepts.get(known(code))?.display ?? null,
    passes: (code, filter) => passes(concepts, known(code), filter),
  };
}
