import type { ResourceId, ResourceType } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { refused, type Refusal } from "#records/door.ts";
import { isOfPatients } from "#records/fhir/compartment.ts";
import type { Join, ReferenceReader, SearchPlan } from "#records/fhir/search-plan.ts";
import { refuseUnopened } from "#records/read.ts";
import type { Find, SearchDeps } from "#records/search-matches.ts";
import type { Candidate } from "#records/search-scope.ts";
import { see, type Seeing, type Seen } from "#records/seeing.ts";
import type { SearchedRow } from "#records/store.ts";
import { touch, type Visit } from "#records/visit.ts";
import type { Compartment } from "#vault/vault.ts";

export const joinLimits = {
  /** Resources that one chain may have to open. */
  references: 1_000,
  /** Records that a chain over a patient, or one `_has`, may have to look into. */
  compartments: 200,
} as const;

export const nameOf = ({
  type,
  id,
}: {
  readonly type: ResourceType;
  readonly id: ResourceId;
}): string => `${type}/${id}`;

const namesIn = (read: ReferenceReader, { opened }: Seen): readonly string[] =>
  opened.value === null ? [] : read(opened.value).map(nameOf);

const tooCostly = (at: string): Problem =>
  problem("too-costly", { at, detail: "It would have to look at too much; narrow the search." });

/** How the caller stands to each compartment that a request comes across. */
export type KnownCare = Map<Compartment, boolean>;

/** Learns how the caller stands to the compartments of these rows, where that is not known yet. */
export async function learnCare(
  { store }: Pick<SearchDeps, "store">,
  visit: Visit,
  care: KnownCare,
  rows: readonly SearchedRow[],
): Promise<Result<null>> {
  for (const { compartment } of rows) {
    if (care.has(compartment)) continue;
    const found =
      compartment === "organisation"
        ? ok(false)
        : await store.isInCareTeam(compartment, visit.asker);
    if (!found.ok) return found;
    care.set(compartment, found.value);
  }
  return ok(null);
}

/** Resources by which a join holds, by the names that the matches or they refer to. */
interface Answered {
  readonly names: ReadonlySet<string>;
  readonly seen: readonly Seen[];
}

export type Narrowed =
  | {
      readonly kind: "narrowed";
      /** Where alone matches can be; null when that is not known. */
      readonly within: readonly Candidate[] | null;
      /** Chains that were followed on the way. */
      readonly answered: ReadonlyMap<Join, Answered>;
    }
  | Refusal;

const overPatient = /^(?:patient|subject)[:.]/;

/** The target of a chain that says whose record a match is in; null when it says not. */
function patientTarget(join: Join): SearchPlan | null {
  if (join.kind !== "chain" || !overPatient.test(join.at)) return null;
  return join.targets.find(({ type }) => type === "Patient") ?? null;
}

/**
 * Follows a chain over the patient first: the blind indexes find her, and then one record is looked
 * into rather than all.
 */
export async function narrowByPatient(plan: SearchPlan, find: Find): Promise<Narrowed> {
  const nothing = { kind: "narrowed", within: null, answered: new Map() } as const;
  if (plan.patient !== null || plan.type === "Patient" || !isOfPatients(plan.type)) return nothing;
  for (const join of plan.joins) {
    const target = patientTarget(join);
    if (target === null || join.kind !== "chain") continue;
    const found = await find(target, null);
    if (found.kind === "refused") return found;
    const { matches, allowed } = found;
    if (matches.length > joinLimits.compartments)
      return refused(tooCostly(join.at), touch({ action: "search", compartment: null }));
    const wanted = new Set(matches.map(({ opened }) => opened.row.compartment));
    const patients = allowed.filter(({ compartment }) => wanted.has(compartment));
    // What is about a group or a place lies with the organisation.
    const others = { compartment: "organisation", inCareTeam: false } as const;
    const isWhole = join.targets.length === 1;
    const names = new Set(matches.map(({ opened }) => nameOf(opened.row)));
    return {
      kind: "narrowed",
      within: isWhole ? patients : [...patients, others],
      answered: isWhole ? new Map([[join, { names, seen: matches }]]) : new Map(),
    };
  }
  return nothing;
}

interface Joining {
  readonly plan: SearchPlan;
  readonly seen: readonly Seen[];
  readonly care: KnownCare;
  readonly narrowed: Extract<Narrowed, { kind: "narrowed" }>;
  readonly find: Find;
}

type Following =
  | ({ readonly kind: "answered" } & Answered)
  | { readonly kind: "failed"; readonly problem: Problem }
  | { readonly kind: "unopened"; readonly seeing: Extract<Seeing, { ok: false }> }
  | Refusal;

/** Opens what the candidates refer to and the caller may see, and keeps of it what answers. */
async function followChain(
  deps: SearchDeps,
  visit: Visit,
  join: Extract<Join, { kind: "chain" }>,
  { seen, care }: Pick<Joining, "seen" | "care">,
): Promise<Following> {
  const targets = new Map(join.targets.map((target) => [target.type, target]));
  const wanted = new Map<ResourceType, Set<ResourceId>>();
  let count = 0;
  for (const { opened } of seen)
    for (const { type, id } of opened.value === null ? [] : join.referencesOf(opened.value)) {
      if (!targets.has(type)) continue;
      const ids = wanted.get(type) ?? new Set();
      if (!ids.has(id)) count += 1;
      wanted.set(type, ids.add(id));
    }
  if (count > joinLimits.references) return { kind: "failed", problem: tooCostly(join.at) };
  const rows: SearchedRow[] = [];
  for (const [type, ids] of wanted) {
    const found = await deps.store.findMany(type, [...ids]);
    if (!found.ok) return { kind: "failed", problem: found.problem };
    rows.push(...found.value);
  }
  const learnt = await learnCare(deps, visit, care, rows);
  if (!learnt.ok) return { kind: "failed", problem: learnt.problem };
  const seeing = await see(rows, deps, {
    visit,
    action: "search",
    careOf: (compartment) => care.get(compartment) ?? null,
    matches: ({ value, row }) => value !== null && targets.get(row.type)?.matches(value) === true,
  });
  if (!seeing.ok) return { kind: "unopened", seeing };
  const names = new Set(seeing.value.map(({ opened }) => nameOf(opened.row)));
  return { kind: "answered", names, seen: seeing.value };
}

/** Searches for what refers to the candidates: in their patients' records, else where the caller may look. */
async function followHas(
  join: Extract<Join, { kind: "has" }>,
  { seen, care, find }: Pick<Joining, "seen" | "care" | "find">,
): Promise<Following> {
  if (seen.length === 0) return { kind: "answered", names: new Set(), seen: [] };
  const places = new Set(seen.map(({ opened }) => opened.row.compartment));
  if (places.size > joinLimits.compartments) return { kind: "failed", problem: tooCostly(join.at) };
  const within = places.has("organisation")
    ? null
    : [...places].map((compartment) => ({
        compartment,
        inCareTeam: care.get(compartment) === true,
      }));
  const found = await find({ ...join.plan, isFiltered: true }, within);
  if (found.kind === "refused") return found;
  const names = new Set(found.matches.flatMap((each) => namesIn(join.referencesOf, each)));
  return { kind: "answered", names, seen: found.matches };
}

interface Kept {
  readonly kind: "kept";
  readonly matches: readonly Seen[];
  readonly consulted: readonly Seen[];
}

/** Of what answers the plan itself, those of whom each of its chains and `_has` holds as well. */
export async function keepJoined(
  deps: SearchDeps,
  visit: Visit,
  { plan, seen, care, narrowed, find }: Joining,
): Promise<Kept | Refusal> {
  const about = touch({ action: "search", compartment: null, type: plan.type });
  let matches = seen;
  const consulted: Seen[] = [];
  for (const join of plan.joins) {
    const before = narrowed.answered.get(join);
    const asked = { seen: matches, care, find };
    const followed: Following =
      before !== undefined
        ? { kind: "answered", ...before }
        : join.kind === "chain"
          ? await followChain(deps, visit, join, asked)
          : await followHas(join, asked);
    if (followed.kind === "refused") return followed;
    if (followed.kind === "failed") return refused(followed.problem, about);
    if (followed.kind === "unopened") return refuseUnopened(followed.seeing, about);
    const { names } = followed;
    matches = matches.filter((each) =>
      join.kind === "chain"
        ? namesIn(join.referencesOf, each).some((name) => names.has(name))
        : names.has(nameOf(each.opened.row)),
    );
    consulted.push(...followed.seen);
  }
  return { kind: "kept", matches, consulted };
}
