import type { Resource } from "@medplum/fhirtypes";
import type { ResourceId, ResourceType, TenantId } from "#core/ids.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { cursorLimits, openCursor, sealCursor, type CursorPlace } from "#records/cursor.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { searchsetBundle, type BundlePage } from "#records/fhir/bundle.ts";
import { categoriesOf, labelsOf } from "#records/fhir/categories.ts";
import { isOfPatients, type Owner } from "#records/fhir/compartment.ts";
import type { Conformance, CurrentConformance } from "#records/fhir/conformance.ts";
import { isAnswerParameter } from "#records/fhir/search-answer.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";
import { parseSearch, type SearchPlan } from "#records/fhir/search.ts";
import { fhirAnswer } from "#records/http.ts";
import type { Kinds } from "#records/kinds.ts";
import { addressOf, searchOptions, type SearchAsked } from "#records/search.ts";
import { touchesOf, type Placed } from "#records/search-page.ts";
import { scopeWithin, type Allowed } from "#records/search-scope.ts";
import { seeDerived } from "#records/seeing.ts";
import { preparePlace, compartmentOfOwner } from "#records/upstream/place.ts";
import { misansweredSignal, type UpstreamReadDeps } from "#records/upstream/read.ts";
import { asOpened, readAnswered } from "#records/upstream/resource.ts";
import { readSearchset, searchsetLimits, type Searchset } from "#records/upstream/searchset.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { OpenedRow } from "#records/opening.ts";
import type { Vault } from "#vault/vault.ts";

export interface UpstreamSearchDeps extends UpstreamReadDeps {
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "keys" | "keyAt" | "sealLoose" | "open">;
  readonly conformance: CurrentConformance;
}

interface Understood {
  readonly plan: SearchPlan;
  /** As it was asked, to be gone on with. */
  readonly query: string;
  /** Path of the page at the server behind; null for the first. */
  readonly path: string | null;
}

const cursorParameter = "_cursor";

function placeOf(
  { at, caller }: Visit,
  type: ResourceType,
  { tenant }: UpstreamSearchDeps,
): CursorPlace {
  return { at, type, account: caller.live.account, tenant };
}

const notOffered = (at: string): Result<never> =>
  refuse("upstream-unsupported", { at, detail: "It is not offered in front of another server." });

/**
 * What of a search can be let through. A chain, `_has` and an include show something of records that
 * the answer does not name, and a total counts what policy leaves out.
 */
function checkOffered(plan: SearchPlan): Result<SearchPlan> {
  if (plan.joins.length > 0) return notOffered(plan.joins[0]?.at ?? "_has");
  if (plan.includes.length > 0) return notOffered("_include");
  return plan.count === 0 ? notOffered("_summary") : ok(plan);
}

function planOf(
  deps: UpstreamSearchDeps,
  visit: Visit,
  { type, query, lenient }: SearchAsked,
): Result<SearchPlan> {
  const plan = parseSearch(type, query, { ...searchOptions(deps, visit), lenient });
  return plan.ok ? checkOffered(plan.value) : plan;
}

async function understand(
  deps: UpstreamSearchDeps,
  visit: Visit,
  { type, query, lenient }: SearchAsked,
): Promise<Result<Understood>> {
  const sealed = query.get(cursorParameter);
  if (sealed === null) {
    const plan = planOf(deps, visit, { type, query, lenient });
    return plan.ok ? ok({ plan: plan.value, query: query.toString(), path: null }) : plan;
  }
  if (query.size > 1)
    return refuse("parameter-invalid", { at: cursorParameter, detail: "stands alone" });
  const cursor = await openCursor(sealed, placeOf(visit, type, deps), deps.vault);
  if (!cursor.ok) return cursor;
  const asked = new URLSearchParams(cursor.value.query);
  const plan = planOf(deps, visit, { type, query: asked, lenient: true });
  return plan.ok
    ? ok({ plan: plan.value, query: cursor.value.query, path: cursor.value.after.key })
    : plan;
}

/** Whose record is searched: of one patient always, or the organisation's. */
function ownerOf(plan: SearchPlan, { caller }: Visit): Result<Owner> {
  if (plan.patient !== null) return ok({ kind: "patient", patient: plan.patient });
  if (!isOfPatients(plan.type)) return ok({ kind: "organisation" });
  const [only, more] = caller.live.patients.values();
  const at = (plan.type as string) === "Patient" ? "_id" : "patient";
  return only === undefined || more !== undefined
    ? refuse("parameter-invalid", { at, detail: "is needed here" })
    : ok({ kind: "patient", patient: only });
}

/** The parameter by which the server behind is held to one patient's record. */
function narrowing(
  type: ResourceType,
  patient: ResourceId,
  conformance: Conformance,
): Result<readonly [string, string]> {
  if ((type as string) === "Patient") return ok(["_id", patient]);
  const known = searchParameters(type, conformance);
  const name = ["patient", "subject"].find((each) => known.has(each));
  return name === undefined ? notOffered("patient") : ok([name, `Patient/${patient}`]);
}

/** What the server behind is asked: whole resources, as labels are looked for in all of each. */
function formOf(
  plan: SearchPlan,
  owner: Owner,
  { conformance, publicOrigin }: Pick<UpstreamSearchDeps, "conformance" | "publicOrigin">,
): Result<URLSearchParams> {
  const form = new URLSearchParams();
  for (const [name, value] of plan.used)
    if (!isAnswerParameter(name) || name === "_sort")
      form.append(name, value.replaceAll(`${publicOrigin}/fhir/`, ""));
  form.append("_count", String(Math.min(plan.count, searchsetLimits.page)));
  if (owner.kind === "organisation") return ok(form);
  const narrowed = narrowing(plan.type, owner.patient, conformance());
  if (!narrowed.ok) return narrowed;
  const [name, value] = narrowed.value;
  if (plan.patient === null || !form.has(name)) form.append(name, value);
  return ok(form);
}

interface Sorted {
  readonly opened: readonly OpenedRow[];
  /** How many do not follow R4, so that nobody can tell what they say. */
  readonly unreadable: number;
}

/** Fails as "resource-type-mismatch" or "compartment-unclear" when something else was answered than was asked. */
function takeMatches(
  { matches }: Searchset,
  {
    plan,
    owner,
    deps,
  }: { readonly plan: SearchPlan; readonly owner: Owner; readonly deps: UpstreamSearchDeps },
): Result<Sorted> {
  const addresses = { base: deps.upstream.base, publicOrigin: deps.publicOrigin };
  const compartment = compartmentOfOwner(owner, deps);
  const opened: OpenedRow[] = [];
  let unreadable = 0;
  for (const text of matches) {
    const found = readAnswered(text, addresses, { type: plan.type });
    if (!found.ok) {
      if (found.problem.code === "resource-type-mismatch") return found;
      unreadable += 1;
    } else if (compartmentOfOwner(found.value.owner, deps) !== compartment)
      return refuse("compartment-unclear");
    else opened.push(asOpened(found.value, compartment));
  }
  return ok({ opened, unreadable });
}

const kindsOf = ({ value }: OpenedRow): Kinds =>
  value === null
    ? { categories: [], labels: [] }
    : { categories: categoriesOf(value), labels: labelsOf(value) };

async function linksOf(
  deps: UpstreamSearchDeps,
  visit: Visit,
  { plan, query }: Understood,
  next: string | null,
): Promise<Result<BundlePage["links"]>> {
  const base = `${deps.publicOrigin}/fhir/${plan.type}`;
  const self = addressOf(base, plan.used);
  if (next === null) return ok({ self });
  const place = placeOf(visit, plan.type, deps);
  const sealed = await sealCursor({ query, after: { key: next, id: "" } }, place, deps.vault);
  if (!sealed.ok) return sealed;
  return sealed.value.length > cursorLimits.characters
    ? refuse("parameter-invalid", { detail: "The search is too long to be continued." })
    : ok({ self, next: `${base}?${cursorParameter}=${sealed.value}` });
}

/** An answer to another question than was asked: nothing of it can be believed. */
function refuseMisanswer(found: Problem, blank: Touch): Refusal {
  return {
    kind: "refused",
    problem: problem("upstream-refused"),
    decision: "error",
    reasons: ["upstream-refused", found.code],
    signal: misansweredSignal,
    touch: blank,
  };
}

interface Within {
  readonly owner: Owner;
  readonly allowed: Allowed;
}

type Step<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** Whether the caller may search there at all: asked before anything is looked for, and again of each match. */
async function within(
  deps: UpstreamSearchDeps,
  visit: Visit,
  plan: SearchPlan,
  owner: Owner,
): Promise<Step<Within>> {
  const blank = touch({ action: "search", compartment: null, type: plan.type });
  const place = await preparePlace(owner, visit, deps);
  if (!place.ok) return { ok: false, refusal: refused(place.problem, blank) };
  const scope = scopeWithin(plan, visit, [place.value]);
  if (scope.kind === "refused") {
    const reasons = [scope.problem.code, ...scope.policies];
    const about = { ...blank, compartment: scope.compartment };
    return { ok: false, refusal: { ...refused(scope.problem, about), reasons } };
  }
  const [allowed] = scope.compartments;
  return allowed === undefined
    ? { ok: false, refusal: refused(problem("forbidden"), blank) }
    : { ok: true, value: { owner, allowed } };
}

/** The matches that the caller may see, each asked with its labels, in the order of the answer. */
function seenOf(
  { opened }: Sorted,
  {
    visit,
    plan,
    allowed,
  }: { readonly visit: Visit; readonly plan: SearchPlan; readonly allowed: Allowed },
): readonly Placed[] {
  const seen = seeDerived(
    opened,
    { kindsOf },
    {
      visit,
      action: "search",
      careOf: (compartment) => (compartment === allowed.compartment ? allowed.inCareTeam : null),
      matches: ({ value }) => value !== null && plan.matches(value),
    },
  );
  return seen.flatMap((each): Placed[] => {
    const value: Resource | null = each.opened.value;
    return value === null ? [] : [{ ...each, value, at: { key: "", id: each.opened.row.id } }];
  });
}

async function search(
  deps: UpstreamSearchDeps,
  visit: Visit,
  understood: Understood,
): Promise<Outcome> {
  const { plan, path } = understood;
  const blank = touch({ action: "search", compartment: null, type: plan.type });
  const owner = ownerOf(plan, visit);
  if (!owner.ok) return refused(owner.problem, blank);
  const first = await within(deps, visit, plan, owner.value);
  if (!first.ok) return first.refusal;
  const about = { ...blank, compartment: first.value.allowed.compartment };
  const form = formOf(plan, owner.value, deps);
  if (!form.ok) return refused(form.problem, about);
  const { upstream } = deps;
  const text =
    path === null ? await upstream.search(plan.type, form.value) : await upstream.page(path);
  if (!text.ok) return refused(text.problem, about);
  const page = readSearchset(text.value, upstream.base);
  if (!page.ok) return refused(page.problem, about);
  const taken = takeMatches(page.value, { plan, owner: owner.value, deps });
  if (!taken.ok) return refuseMisanswer(taken.problem, about);
  // The server may have taken its time: who cares and what is forbidden is asked for again.
  const again = await within(deps, visit, plan, owner.value);
  if (!again.ok) return again.refusal;
  const { allowed } = again.value;
  const matches = seenOf(taken.value, { visit, plan, allowed });
  const links = await linksOf(deps, visit, understood, page.value.next);
  if (!links.ok) return refused(links.problem, about);
  return shownPage(deps, {
    plan,
    allowed,
    matches,
    links: links.value,
    unreadable: taken.value.unreadable,
  });
}

interface ShownPage {
  readonly plan: SearchPlan;
  readonly allowed: Allowed;
  readonly matches: readonly Placed[];
  readonly links: BundlePage["links"];
  readonly unreadable: number;
}

function shownPage(
  { publicOrigin }: UpstreamSearchDeps,
  { plan, allowed, matches, links, unreadable }: ShownPage,
): Outcome {
  const { shape } = plan;
  const bundle = searchsetBundle({
    publicOrigin,
    links,
    // How many the server behind found would count what policy leaves out.
    total: null,
    unreadable,
    entries: matches.map(({ opened: { row, text } }) => ({
      mode: "match",
      resource: {
        type: row.type,
        id: row.id,
        text: shape === null ? (text ?? "") : shape(text ?? "", row.type),
      },
    })),
  });
  const found = {
    kind: "found",
    matches,
    consulted: [],
    allowed: [allowed],
    shredded: new Set<never>(),
  } as const;
  const page = { matches, total: matches.length, isLast: links.next === undefined };
  // Nothing is sealed at the server behind, so that no key of ours stood over it.
  const touches = touchesOf(plan, found, { page, included: [] }).map((each) => ({
    ...each,
    dekVersion: null,
  }));
  return { kind: "shown", touches, answer: fhirAnswer(200, bundle) };
}

/** A search of one type at the server behind, each match decided before anyone has it. */
export function searchUpstream(deps: UpstreamSearchDeps, asked: SearchAsked): Interaction {
  return async (visit) => {
    const understood = await understand(deps, visit, asked);
    if (understood.ok) return search(deps, visit, understood.value);
    const blank = touch({ action: "search", compartment: null, type: asked.type });
    return refused(understood.problem, blank);
  };
}
