import type { Conformance } from "#records/fhir/conformance.ts";
import { codeSystem, valueSet } from "#records/fhir/definitions.ts";
import { codeListOf, type CodeList } from "#records/fhir/terminology/code-system.ts";
import { codeSetOf, type CodeSet } from "#records/fhir/terminology/value-set.ts";

/** The codes that R4 and the installed packages define. What it cannot list it does not know. */
export interface Terminology {
  /** By canonical url; null when nothing can be told of it: it is not at hand, or only elsewhere. */
  readonly valueSet: (canonical: string) => CodeSet | null;
  /** Null when the code system is not at hand with all its codes. */
  readonly codeSystem: (system: string) => CodeList | null;
  /** Whether the url is that of a supplement (R4 §4.8.12), which is no system for a Coding. */
  readonly isSupplement: (url: string) => boolean;
}

/** Value sets that refer to one another deeper than this, or in a circle, tell nothing. */
const maxDepth = 8;

function create(conformance: Conformance): Terminology {
  const lists = new Map<string, CodeList | null>();
  const sets = new Map<string, CodeSet | null>();
  const codeList = (system: string): CodeList | null => {
    const known = lists.get(system);
    if (known !== undefined) return known;
    const found = conformance.codeSystem(system) ?? codeSystem(system);
    const made = found === null ? null : codeListOf(found);
    lists.set(system, made);
    return made;
  };
  const codeSet = (canonical: string, depth: number): CodeSet | null => {
    const known = sets.get(canonical);
    if (known !== undefined) return known;
    if (depth > maxDepth) return null;
    const found = conformance.valueSet(canonical) ?? valueSet(canonical.replace(/\|.*$/, ""));
    const sources = { codeList, valueSet: (other: string) => codeSet(other, depth + 1) };
    const made = found === null ? null : codeSetOf(found, sources);
    sets.set(canonical, made);
    return made;
  };
  const isSupplement = (url: string): boolean =>
    conformance.codeSystem(url)?.content === "supplement";
  return { isSupplement, codeSystem: codeList, valueSet: (canonical) => codeSet(canonical, 0) };
}

// A conformance never changes: what was made of it once holds as long as it does.
const made = new WeakMap<Conformance, Terminology>();

export function terminologyOf(conformance: Conformance): Terminology {
  const known = made.get(conformance);
  if (known !== undefined) return known;
  const terminology = create(conformance);
  made.set(conformance, terminology);
  return terminology;
}
