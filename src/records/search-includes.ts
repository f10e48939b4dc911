import type { ResourceId, ResourceType } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { isDenial, refused, type Refusal } from "#records/door.ts";
import { isOfPatients } from "#records/fhir/compartment.ts";
import type { IncludeRule } from "#records/fhir/search-plan.ts";
import { parseSearch } from "#records/fhir/search.ts";
import { refuseUnopened } from "#records/read.ts";
import { learnCare, nameOf, type KnownCare } from "#records/search-joins.ts";
import type { Find, SearchDeps } from "#records/search-matches.ts";
import type { Candidate } from "#records/search-scope.ts";
import { see, type Seen } from "#records/seeing.ts";
import { bytesOfSeen } from "#records/shown-whole.ts";
import type { SearchedRow } from "#records/store.ts";
import { touch, type Visit } from "#records/visit.ts";
import type { Compartment } from "#vault/vault.ts";

export const includeLimits = {
  /** Resources that a page may bring along beside its matches. */
  resources: 1_000,
  /** Sealed bytes of what a page may bring along. */
  bytes: 16 * 1024 * 1024,
  /** Resources that are opened to find those that refer to a page's. */
  opened: 20_000,
  /** Steps from a match to what `:iterate` may bring along. */
  steps: 20,
} as const;

interface Including {
  readonly rules: readonly IncludeRule[];
  /** The matches of one page. */
  readonly matches: readonly Seen[];
  readonly care: KnownCare;
  readonly find: Find;
}

export type Included =
  | {
      readonly kind: "included";
      readonly seen: readonly Seen[];
      readonly shredded: ReadonlySet<Compartment>;
    }
  | Refusal;

type Step =
  | {
      readonly kind: "seen";
      readonly seen: readonly Seen[];
      readonly shredded: Iterable<Compartment>;
    }
  | Refusal;

const tooCostly = (at: string): Problem =>
  problem("too-costly", { at, detail: "It would bring too much along; ask for smaller pages." });

const stop = (found: Problem): Refusal =>
  refused(found, touch({ action: "search", compartment: null }));

/** What has been met on the way, so that no cycle is followed twice. */
interface Walk {
  readonly deps: SearchDeps;
  readonly visit: Visit;
  readonly including: Including;
  /** Names of all that is in the answer, or was looked for in vain. */
  readonly met: Set<string>;
  /** By type and record, what was opened to find what refers to something. */
  readonly opened: Map<string, Promise<Step>>;
  /** How much that was. */
  openedCount: number;
}

/** What the sources refer to, where the caller may read it. */
async function referredTo(
  { deps, visit, including, met }: Walk,
  rules: readonly IncludeRule[],
  sources: readonly Seen[],
): Promise<Step> {
  const wanted = new Map<ResourceType, ResourceId[]>();
  let count = 0;
  for (const { opened } of sources)
    for (const rule of rules)
      for (const reference of opened.value === null ? [] : rule.referencesOf(opened.value)) {
        const name = nameOf(reference);
        if (met.has(name)) continue;
        met.add(name);
        count += 1;
        const ids = wanted.get(reference.type);
        if (ids === undefined) wanted.set(reference.type, [reference.id]);
        else ids.push(reference.id);
      }
  if (count > includeLimits.resources) return stop(tooCostly("_include"));
  const rows: SearchedRow[] = [];
  for (const [type, ids] of wanted) {
    const found = await deps.store.findMany(type, ids);
    if (!found.ok) return stop(found.problem);
    rows.push(...found.value);
  }
  const { care } = including;
  const learnt = await learnCare(deps, visit, care, rows);
  if (!learnt.ok) return stop(learnt.problem);
  const careOf = (compartment: Compartment): boolean | null => care.get(compartment) ?? null;
  const seeing = await see(rows, deps, { visit, action: "read", careOf });
  if (!seeing.ok) return refuseUnopened(seeing, touch({ action: "search", compartment: null }));
  return { kind: "seen", seen: seeing.value, shredded: seeing.shredded };
}

/** Everything of a type that the caller may find: in one record, or wherever she may look. */
async function allOf(
  { including, opened }: Walk,
  type: ResourceType,
  place: Candidate | null,
): Promise<Step> {
  const name = `${type} ${place?.compartment ?? ""}`;
  const search = async (): Promise<Step> => {
    const plan = parseSearch(type, new URLSearchParams());
    if (!plan.ok) return stop(plan.problem);
    const whole = { ...plan.value, isFiltered: true };
    const found = await including.find(whole, place === null ? null : [place]);
    if (found.kind === "found")
      return { kind: "seen", seen: found.matches, shredded: found.shredded };
    // What may not be searched for is left out, as what may not be read is.
    const isDenied = isDenial(found.problem);
    return isDenied ? { kind: "seen", seen: [], shredded: [] } : found;
  };
  const known = opened.get(name) ?? search();
  opened.set(name, known);
  return known;
}

/** Where what refers to these may be: in their patients' records, or wherever the caller may look. */
function placesOf(
  source: ResourceType,
  targets: readonly Seen[],
  care: KnownCare,
): readonly (Candidate | null)[] {
  const compartments = new Set(targets.map(({ opened }) => opened.row.compartment));
  return [...compartments].flatMap((compartment): (Candidate | null)[] => {
    if (compartment === "organisation") return [null];
    // The organisation's own refer to no patient.
    if (!isOfPatients(source)) return [];
    return [{ compartment, inCareTeam: care.get(compartment) === true }];
  });
}

/** What refers to the targets by one rule, where the caller may find it. */
async function referringTo(walk: Walk, rule: IncludeRule, targets: readonly Seen[]): Promise<Step> {
  const { source } = rule;
  if (source === null) return { kind: "seen", seen: [], shredded: [] };
  const fit = targets.filter(
    ({ opened }) => rule.target === null || opened.row.type === rule.target,
  );
  const names = new Set(fit.map(({ opened }) => nameOf(opened.row)));
  const seen: Seen[] = [];
  const shredded: Compartment[] = [];
  for (const place of placesOf(source, fit, walk.including.care)) {
    const all = await allOf(walk, source, place);
    if (all.kind === "refused") return all;
    walk.openedCount += all.seen.length;
    if (walk.openedCount > includeLimits.opened) return stop(tooCostly("_revinclude"));
    shredded.push(...all.shredded);
    for (const each of all.seen) {
      const { row, value } = each.opened;
      if (walk.met.has(nameOf(row)) || value === null) continue;
      if (!rule.referencesOf(value).some((reference) => names.has(nameOf(reference)))) continue;
      walk.met.add(nameOf(row));
      seen.push(each);
    }
  }
  return { kind: "seen", seen, shredded };
}

/** One step from these resources: by all rules from the matches, by those of `:iterate` from others. */
async function stepFrom(walk: Walk, from: readonly Seen[], isFirst: boolean): Promise<Step> {
  const rules = walk.including.rules.filter(({ iterate }) => isFirst || iterate);
  const seen: Seen[] = [];
  const shredded: Compartment[] = [];
  const forward = rules.filter(({ reverse }) => !reverse);
  const steps: (() => Promise<Step>)[] =
    forward.length > 0 ? [() => referredTo(walk, forward, from)] : [];
  for (const rule of rules) if (rule.reverse) steps.push(() => referringTo(walk, rule, from));
  for (const take of steps) {
    const step = await take();
    if (step.kind === "refused") return step;
    seen.push(...step.seen);
    shredded.push(...step.shredded);
  }
  return { kind: "seen", seen, shredded };
}

/**
 * What a page's `_include` and `_revinclude` bring along (R4 §3.1.1.5.4), each resource once and none
 * that is a match of the page. What the caller may not see is left out without a word. Fails as
 * "too-costly" beyond includeLimits.
 */
export async function includedWith(
  deps: SearchDeps,
  visit: Visit,
  including: Including,
): Promise<Included> {
  const met = new Set(including.matches.map(({ opened }) => nameOf(opened.row)));
  const walk: Walk = { deps, visit, including, met, opened: new Map(), openedCount: 0 };
  const all: Seen[] = [];
  const shredded = new Set<Compartment>();
  let from = including.matches;
  for (let at = 0; from.length > 0; at += 1) {
    if (at === includeLimits.steps) return stop(tooCostly("_include:iterate"));
    const step = await stepFrom(walk, from, at === 0);
    if (step.kind === "refused") return step;
    all.push(...step.seen);
    for (const compartment of step.shredded) shredded.add(compartment);
    if (all.length > includeLimits.resources || bytesOfSeen(all) > includeLimits.bytes)
      return stop(tooCostly("_include"));
    from = step.seen;
  }
  return { kind: "included", seen: all, shredded };
}
