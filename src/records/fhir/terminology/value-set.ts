import type {
  ValueSet,
  ValueSetComposeInclude,
  ValueSetExpansionContains,
} from "@medplum/fhirtypes";
import type { CodeList } from "#records/fhir/terminology/code-system.ts";

/** Whether a code belongs; null when the definitions at hand cannot tell. */
export type Membership = boolean | null;

export interface CodeSet {
  /** A code with its system. */
  readonly has: (system: string, code: string) => Membership;
  /** A code alone, as an element of type code has it. */
  readonly hasCode: (code: string) => Membership;
  /** All codes, each as `code` and as `system|code`; null when they cannot all be listed. */
  readonly listed: ReadonlySet<string> | null;
}

/** Where the parts of a value set find what they refer to; null when it is not known. */
export interface Sources {
  readonly codeList: (system: string) => CodeList | null;
  readonly valueSet: (canonical: string) => CodeSet | null;
}

/** A part of a value set, which includes or excludes. */
interface Part {
  /** Null when the part takes codes of other value sets, of whatever system. */
  readonly system: string | null;
  readonly test: (system: string, code: string) => Membership;
  readonly list: readonly string[] | null;
}

/** A list larger than this is not made; codes are then looked up one by one. */
const maxListed = 20_000;

const and = (one: Membership, other: Membership): Membership =>
  one === false || other === false ? false : one === null || other === null ? null : true;

function anyOf(all: Iterable<Membership>): Membership {
  let found: Membership = false;
  for (const each of all) {
    if (each === true) return true;
    if (each === null) found = null;
  }
  return found;
}

function ofSystem(
  { concept, filter = [] }: ValueSetComposeInclude,
  list: CodeList | null,
): { readonly test: (code: string) => Membership; readonly list: readonly string[] | null } {
  if (concept !== undefined) {
    const codes = concept.flatMap(({ code }) => (code === undefined ? [] : [code]));
    const set = new Set(codes);
    return { test: (code) => set.has(code), list: codes };
  }
  if (list === null) return { test: () => null, list: null };
  const test = (code: string): Membership =>
    list.has(code) ? filter.map((each) => list.passes(code, each)).reduce(and, true) : false;
  const all = [...list.codes()];
  const verdicts = all.slice(0, maxListed + 1).map(test);
  const isListed = all.length <= maxListed && !verdicts.includes(null);
  return { test, list: isListed ? all.filter((_, i) => verdicts[i]) : null };
}

function partOf(include: ValueSetComposeInclude, sources: Sources): Part {
  const { system, valueSet: canonicals = [] } = include;
  const sets = canonicals.map((canonical) => sources.valueSet(canonical));
  const inSets = (of: string, code: string): Membership =>
    sets.map((set) => set?.has(of, code) ?? null).reduce(and, true);
  if (system === undefined) {
    const [only = null] = sets;
    const listed = sets.length === 1 ? (only?.listed ?? null) : null;
    const list = listed === null ? null : [...listed].filter((key) => key.includes("|"));
    return { system: null, test: inSets, list };
  }
  const own = ofSystem(include, sources.codeList(system));
  return {
    system,
    test: (of, code) => (of === system ? and(own.test(code), inSets(of, code)) : false),
    list: sets.length === 0 ? own.list : null,
  };
}

function listOf(parts: readonly Part[]): ReadonlySet<string> | null {
  const listed = new Set<string>();
  for (const { system, list } of parts) {
    if (list === null || listed.size > maxListed) return null;
    for (const each of list) {
      const code = system === null ? each.slice(each.indexOf("|") + 1) : each;
      listed.add(code).add(system === null ? each : `${system}|${code}`);
    }
  }
  return listed;
}

function* contained(
  entries: readonly ValueSetExpansionContains[],
): Generator<ValueSetExpansionContains> {
  for (const entry of entries) {
    yield entry;
    yield* contained(entry.contains ?? []);
  }
}

/** By what the value set itself lists: right for what is there, silent on the rest when it was cut. */
function byExpansion({ expansion }: ValueSet): CodeSet | null {
  if (expansion?.contains === undefined) return null;
  const keys = new Set<string>();
  for (const { system, code, abstract } of contained(expansion.contains))
    if (code !== undefined && abstract !== true) keys.add(code).add(`${system ?? ""}|${code}`);
  const isWhole = expansion.total === undefined || expansion.total * 2 <= keys.size;
  const has = (key: string): Membership => keys.has(key) || (isWhole ? false : null);
  return {
    has: (system, code) => has(`${system}|${code}`),
    hasCode: has,
    listed: isWhole ? keys : null,
  };
}

function byCompose(set: ValueSet, sources: Sources): CodeSet | null {
  const { include, exclude = [] } = set.compose ?? {};
  if (include === undefined || include.length === 0) return null;
  const parts = include.map((each) => partOf(each, sources));
  const excluded = exclude.map((each) => partOf(each, sources));
  const listed = excluded.length === 0 ? listOf(parts) : null;
  const test = (system: string, code: string): Membership => {
    const isIn = anyOf(parts.map((part) => part.test(system, code)));
    const isOut = anyOf(excluded.map((part) => part.test(system, code)));
    return and(isIn, isOut === null ? null : !isOut);
  };
  const systems = new Set(parts.flatMap(({ system }) => (system === null ? [] : [system])));
  const named = parts.every(({ system }) => system !== null);
  return {
    listed,
    has: (system, code) =>
      listed === null ? test(system, code) : listed.has(`${system}|${code}`) || test(system, code),
    hasCode: (code) => {
      if (listed !== null)
        return listed.has(code) || anyOf([...systems].map((system) => test(system, code)));
      return named ? anyOf([...systems].map((system) => test(system, code))) : null;
    },
  };
}

/** The codes of a value set; null when nothing at all can be told of it. */
export function codeSetOf(set: ValueSet, sources: Sources): CodeSet | null {
  return byCompose(set, sources) ?? byExpansion(set);
}
