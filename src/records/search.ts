import type { IncomingMessage } from "node:http";
import type { ResourceType } from "#core/ids.ts";
import { refuse, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { BlindIndex } from "#records/blind/blind-index.ts";
import {
  cursorLimits,
  openCursor,
  sealCursor,
  type CursorPlace,
  type Position,
} from "#records/cursor.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { searchsetBundle, type BundlePage } from "#records/fhir/bundle.ts";
import { parseSearch, type SearchPlan } from "#records/fhir/search.ts";
import { fhirAnswer, readForm } from "#records/http.ts";
import type { Kinds } from "#records/kinds.ts";
import { openLiving, type OpenedRow } from "#records/opening.ts";
import { decideOpened, refuseUnopened, union, type ReadDeps } from "#records/read.ts";
import { scopeOf, type Allowed } from "#records/search-scope.ts";
import { storeLimits, type StoredRow } from "#records/store.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";

export interface SearchDeps extends ReadDeps {
  readonly vault: Vault;
  readonly blind: BlindIndex;
}

/** What was asked, of whatever method: parameters, or the cursor of a page before. */
export interface SearchAsked {
  readonly type: ResourceType;
  readonly query: URLSearchParams;
  /** `Prefer: handling=lenient`. */
  readonly lenient: boolean;
}

interface Understood {
  readonly plan: SearchPlan;
  readonly query: string;
  readonly after: Position | null;
}

const cursorParameter = "_cursor";

function placeOf({ at, caller }: Visit, type: ResourceType, deps: SearchDeps): CursorPlace {
  return { at, type, account: caller.live.account, tenant: deps.tenant };
}

async function understand(
  deps: SearchDeps,
  visit: Visit,
  { type, query, lenient }: SearchAsked,
): Promise<Result<Understood>> {
  const sealed = query.get(cursorParameter);
  if (sealed === null) {
    const plan = parseSearch(type, query, { lenient });
    // What is added to the answer, or asked of other resources, is read but not followed.
    const linked = plan.ok ? (plan.value.joins[0]?.at ?? plan.value.includes[0]?.parameter) : null;
    if (typeof linked === "string") return refuse("parameter-unknown", { at: linked });
    return plan.ok ? ok({ plan: plan.value, query: query.toString(), after: null }) : plan;
  }
  if (query.size > 1)
    return refuse("parameter-invalid", { at: cursorParameter, detail: "stands alone" });
  const cursor = await openCursor(sealed, placeOf(visit, type, deps), deps.vault);
  if (!cursor.ok) return cursor;
  const plan = parseSearch(type, new URLSearchParams(cursor.value.query), { lenient: true });
  return plan.ok ? ok({ plan: plan.value, ...cursor.value }) : plan;
}

/** Every key under which rows of this compartment may carry tokens; none when it has no record. */
async function indexKeys(
  compartment: Compartment,
  vault: Vault,
): Promise<Result<readonly DataKey[]>> {
  const newest = await vault.keys([compartment]);
  if (!newest.ok) return newest;
  const key = newest.value.get(compartment);
  if (key === undefined) return ok([]);
  // Version 1 is the first, so there are no others to look for.
  return key.dekVersion === 1 ? ok([key]) : vault.allKeys(compartment);
}

/** Null when the compartment has no key. */
async function rowsIn(
  { store, vault }: SearchDeps,
  plan: SearchPlan,
  compartment: Compartment,
): Promise<Result<readonly StoredRow[] | null>> {
  const keys = await indexKeys(compartment, vault);
  if (!keys.ok) return keys;
  if (keys.value.length === 0) return ok(null);
  const tokens = plan.labels.map((labels) =>
    keys.value.flatMap((key) => labels.map((label) => vault.token(key, label))),
  );
  return store.search(plan.type, compartment, tokens);
}

interface Candidates {
  readonly rows: readonly StoredRow[];
  /** Patients in whose records nothing can be looked for any more. */
  readonly shredded: ReadonlySet<Compartment>;
}

const noneShredded: ReadonlySet<Compartment> = new Set();

/** A list of patients is read in one go and filtered once open: each has a key of her own to make tokens with. */
const fewCompartments = 4;

async function candidateRows(
  deps: SearchDeps,
  plan: SearchPlan,
  allowed: readonly Allowed[],
): Promise<Result<Candidates>> {
  const patients = allowed.flatMap(({ compartment }) =>
    compartment === "organisation" ? [] : [compartment],
  );
  if (patients.length > fewCompartments) {
    const across = await deps.store.searchAcross(plan.type, patients);
    return across.ok ? ok({ rows: across.value, shredded: noneShredded }) : across;
  }
  const rows: StoredRow[] = [];
  const keyless: Compartment[] = [];
  for (const { compartment } of allowed) {
    const found = await rowsIn(deps, plan, compartment);
    if (!found.ok) return found;
    if (found.value === null) keyless.push(compartment);
    else rows.push(...found.value);
  }
  const shredded = keyless.length === 0 ? ok(noneShredded) : await deps.vault.shredded(keyless);
  if (!shredded.ok) return shredded;
  return rows.length > storeLimits.searchRows
    ? refuse("parameter-invalid", { detail: "The search finds too much; narrow it." })
    : ok({ rows, shredded: shredded.value });
}

function mayMatch({ ids, lastUpdated }: SearchPlan, row: StoredRow): boolean {
  if (ids !== null && !ids.includes(row.id)) return false;
  if (lastUpdated === null) return true;
  return row.lastUpdated >= lastUpdated.from && row.lastUpdated <= lastUpdated.to;
}

interface Match {
  readonly opened: OpenedRow;
  readonly key: string;
  readonly kinds: Kinds;
  readonly policies: readonly string[];
}

/** Opened rows that match and may be shown, labels known; in the order asked for. */
function matchesOf(
  deps: SearchDeps,
  visit: Visit,
  plan: SearchPlan,
  { opened, allowed }: { opened: readonly OpenedRow[]; allowed: readonly Allowed[] },
): readonly Match[] {
  const allowedIn = new Map(allowed.map((each) => [each.compartment, each]));
  const matches = opened.flatMap((each): Match[] => {
    const { value, row } = each;
    const place = allowedIn.get(row.compartment);
    if (value === null || place === undefined || !plan.matches(value)) return [];
    const { inCareTeam } = place;
    const { type, compartment } = row;
    const question = { action: "search", type, compartment, inCareTeam } as const;
    const kinds = deps.kindsOf(each);
    const { permitted, policies } = decideOpened(visit, question, [kinds]);
    return permitted ? [{ opened: each, key: plan.sort.keyOf(value), kinds, policies }] : [];
  });
  return matches.sort((a, b) => inOrder(plan, positionOf(a), positionOf(b)));
}

const positionOf = ({ key, opened }: Match): Position => ({ key, id: opened.row.id });

function inOrder({ sort }: SearchPlan, a: Position, b: Position): number {
  const byKey = sort.compare(a.key, b.key);
  if (byKey !== 0) return byKey;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

interface Page {
  readonly matches: readonly Match[];
  readonly total: number;
  readonly isLast: boolean;
}

function pageOf(plan: SearchPlan, matches: readonly Match[], after: Position | null): Page {
  const rest =
    after === null
      ? matches
      : matches.filter((match) => inOrder(plan, positionOf(match), after) > 0);
  const page = rest.slice(0, plan.count);
  return { matches: page, total: matches.length, isLast: rest.length <= page.length };
}

/** One touch for each patient of whom the answer shows, or counts, anything. */
function touchesOf(
  plan: SearchPlan,
  page: Page,
  allowed: readonly Allowed[],
  all: readonly Match[],
): Touch[] {
  const counted = plan.count === 0 ? all : page.matches;
  const byCompartment = Map.groupBy(counted, ({ opened }) => opened.row.compartment);
  const about = { action: "search", type: plan.type } as const;
  const touches = [...byCompartment].map(([compartment, matches]) => {
    const dekVersions = new Set(matches.map(({ opened }) => opened.row.dekVersion));
    const [dekVersion = null] = dekVersions;
    return touch({
      ...about,
      compartment,
      categories: union(matches.map(({ kinds }) => kinds.categories)),
      count: plan.count === 0 ? 0 : matches.length,
      dekVersion: dekVersions.size === 1 ? dekVersion : null,
      policies: [...new Set(matches.flatMap(({ policies }) => policies))],
    });
  });
  if (touches.length > 0) return touches;
  // Nothing found is an answer, too: of one patient's record it says that it holds no such thing.
  const [only, more] = allowed;
  const policies = [...new Set(allowed.flatMap((each) => each.policies))];
  const compartment = more === undefined ? (only?.compartment ?? null) : null;
  return [touch({ ...about, compartment, policies })];
}

function formEncoded(parameters: SearchPlan["used"]): string {
  const form = new URLSearchParams();
  for (const [name, value] of parameters) form.append(name, value);
  return form.toString();
}

async function linksOf(
  deps: SearchDeps,
  visit: Visit,
  { plan, query }: Understood,
  page: Page,
): Promise<Result<BundlePage["links"]>> {
  const base = `${deps.publicOrigin}/fhir/${plan.type}`;
  const used = formEncoded(plan.used);
  const self = used === "" ? base : `${base}?${used}`;
  const last = page.matches.at(-1);
  if (page.isLast || last === undefined) return ok({ self });
  const place = placeOf(visit, plan.type, deps);
  const sealed = await sealCursor({ query, after: positionOf(last) }, place, deps.vault);
  if (!sealed.ok) return sealed;
  return sealed.value.length > cursorLimits.characters
    ? refuse("parameter-invalid", { detail: "The search is too long to be continued." })
    : ok({ self, next: `${base}?${cursorParameter}=${sealed.value}` });
}

async function search(deps: SearchDeps, visit: Visit, understood: Understood): Promise<Outcome> {
  const { plan, after } = understood;
  const blank = touch({ action: "search", compartment: null, type: plan.type });
  const stop = (found: Problem, compartment: Compartment | null = null): Refusal =>
    refused(found, { ...blank, compartment });
  const scope = await scopeOf(plan, visit, deps);
  if (scope.kind === "refused") {
    const reasons = [scope.problem.code, ...scope.policies];
    return { ...stop(scope.problem, scope.compartment), reasons };
  }
  const allowed = scope.compartments;
  const found =
    scope.rows === null
      ? await candidateRows(deps, plan, allowed)
      : ok({ rows: scope.rows, shredded: noneShredded });
  if (!found.ok) return stop(found.problem);
  const opened = await openLiving(
    found.value.rows.filter((row) => mayMatch(plan, row)),
    deps,
    visit,
  );
  if (!opened.ok) return refuseUnopened(opened, blank);
  const matches = matchesOf(deps, visit, plan, { opened: opened.value, allowed });
  const page = pageOf(plan, matches, after);
  const links = await linksOf(deps, visit, understood, page);
  if (!links.ok) return stop(links.problem);
  const bundle = searchsetBundle({
    publicOrigin: deps.publicOrigin,
    links: links.value,
    total: page.total,
    shredded: new Set([...opened.shredded, ...found.value.shredded]).size,
    resources: page.matches.map(({ opened: { text, row } }) => ({
      text: plan.shape?.(text, row.type) ?? text,
      type: row.type,
      id: row.id,
    })),
  });
  const touches = touchesOf(plan, page, allowed, matches);
  return { kind: "shown", touches, answer: fhirAnswer(200, bundle) };
}

/** `GET /fhir/:type?…`. */
export function searchResources(deps: SearchDeps, asked: SearchAsked): Interaction {
  return async (visit) => {
    const understood = await understand(deps, visit, asked);
    if (understood.ok) return search(deps, visit, understood.value);
    const found = understood.problem;
    return refused(found, touch({ action: "search", compartment: null, type: asked.type }));
  };
}

/** `POST /fhir/:type/_search`: the terms stay out of the address, where they would be logged on the way. */
export function searchByForm(
  deps: SearchDeps,
  request: IncomingMessage,
  asked: SearchAsked,
): Interaction {
  return async (visit) => {
    const form = await readForm(request);
    if (!form.ok)
      return refused(
        form.problem,
        touch({ action: "search", compartment: null, type: asked.type }),
      );
    // R4 §3.1.1.3: parameters in the address count as if they stood in the body.
    const query = new URLSearchParams([...asked.query, ...form.value]);
    return searchResources(deps, { ...asked, query })(visit);
  };
}
