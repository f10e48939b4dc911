import type { IncomingMessage } from "node:http";
import type { ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import {
  cursorLimits,
  openCursor,
  sealCursor,
  type CursorPlace,
  type Position,
} from "#records/cursor.ts";
import { refused, type Interaction, type Outcome } from "#records/door.ts";
import { searchsetBundle, type BundlePage, type SearchsetEntry } from "#records/fhir/bundle.ts";
import { parseSearch, type SearchOptions, type SearchPlan } from "#records/fhir/search.ts";
import { fhirAnswer, readForm } from "#records/http.ts";
import { includedWith, type Included } from "#records/search-includes.ts";
import { createFind, type SearchDeps } from "#records/search-matches.ts";
import { pageOf, touchesOf, type Page } from "#records/search-page.ts";
import { refuseUnopened } from "#records/read.ts";
import type { Seen } from "#records/seeing.ts";
import { wholeOf, type Whole } from "#records/shown-whole.ts";
import { overAllCharts } from "#records/matching/search-charts.ts";
import { touch, type Visit } from "#records/visit.ts";

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

/** By what of the moment and of this server a search is read. */
export const searchOptions = (
  { publicOrigin, conformance }: Pick<SearchDeps, "publicOrigin" | "conformance">,
  { at }: Visit,
): Omit<SearchOptions, "lenient"> => ({
  now: at,
  base: `${publicOrigin}/fhir`,
  conformance: conformance(),
});

/** Reads a search; one that names a patient of several charts looks for what is in any of them. */
function planOf(
  deps: SearchDeps,
  visit: Visit,
  { type, query, lenient }: SearchAsked,
): Result<SearchPlan> {
  const options = { ...searchOptions(deps, visit), lenient };
  const plan = parseSearch(type, query, options);
  if (!plan.ok || plan.value.patient === null) return plan;
  const { patient, used } = plan.value;
  const compartment = deps.vault.pseudonymOf(patient);
  const wide = overAllCharts(query, { patient, compartment }, deps.samePerson);
  if (wide === null) return plan;
  const joined = parseSearch(type, wide, options);
  return joined.ok ? ok({ ...joined.value, patient, used }) : joined;
}

async function understand(
  deps: SearchDeps,
  visit: Visit,
  { type, query, lenient }: SearchAsked,
): Promise<Result<Understood>> {
  const sealed = query.get(cursorParameter);
  if (sealed === null) {
    const plan = planOf(deps, visit, { type, query, lenient });
    return plan.ok ? ok({ plan: plan.value, query: query.toString(), after: null }) : plan;
  }
  if (query.size > 1)
    return refuse("parameter-invalid", { at: cursorParameter, detail: "stands alone" });
  const cursor = await openCursor(sealed, placeOf(visit, type, deps), deps.vault);
  if (!cursor.ok) return cursor;
  const asked = new URLSearchParams(cursor.value.query);
  const plan = planOf(deps, visit, { type, query: asked, lenient: true });
  return plan.ok ? ok({ plan: plan.value, ...cursor.value }) : plan;
}

/** The address of a search, by the parameters that were used (R4 §3.1.1.2). */
export function addressOf(base: string, used: SearchPlan["used"]): string {
  const asked = formEncoded(used);
  return asked === "" ? base : `${base}?${asked}`;
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
  const self = addressOf(base, plan.used);
  const last = page.matches.at(-1);
  if (page.isLast || last === undefined) return ok({ self });
  const place = placeOf(visit, plan.type, deps);
  const sealed = await sealCursor({ query, after: last.at }, place, deps.vault);
  if (!sealed.ok) return sealed;
  return sealed.value.length > cursorLimits.characters
    ? refuse("parameter-invalid", { detail: "The search is too long to be continued." })
    : ok({ self, next: `${base}?${cursorParameter}=${sealed.value}` });
}

/** A resource as the plan's shape leaves it. */
export const shapedBy = (
  shape: SearchPlan["shape"],
  { text, opened: { row } }: Whole<Seen>,
): SearchsetEntry["resource"] => ({
  type: row.type,
  id: row.id,
  text: shape === null ? text : shape(text, row.type),
});

const noneIncluded: Included = { kind: "included", seen: [], shredded: new Set() };

async function search(deps: SearchDeps, visit: Visit, understood: Understood): Promise<Outcome> {
  const { plan, after } = understood;
  const find = createFind(deps, visit);
  const found = await find(plan, null);
  if (found.kind === "refused") return found;
  const page = pageOf(plan, found.matches, after);
  const links = await linksOf(deps, visit, understood, page);
  if (!links.ok)
    return refused(links.problem, touch({ action: "search", compartment: null, type: plan.type }));
  const care = new Map(found.allowed.map((each) => [each.compartment, each.inCareTeam]));
  const { includes: rules, shape } = plan;
  const included =
    rules.length === 0
      ? noneIncluded
      : await includedWith(deps, visit, { rules, matches: page.matches, care, find });
  if (included.kind === "refused") return included;
  const shown = await wholeOf<Seen>([...page.matches, ...included.seen], deps, visit);
  if (!shown.ok)
    return refuseUnopened(shown, touch({ action: "search", compartment: null, type: plan.type }));
  const matches = page.matches.length;
  const bundle = searchsetBundle({
    publicOrigin: deps.publicOrigin,
    links: links.value,
    total: plan.total === "none" ? null : page.total,
    shredded: new Set([...found.shredded, ...included.shredded]).size,
    entries: shown.value.map((each, at) => ({
      mode: at < matches ? "match" : "include",
      resource: shapedBy(shape, each),
    })),
  });
  const touches = touchesOf(plan, found, { page, included: included.seen });
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

/**
 * A search whose parameters come as a form, where they stay out of the address and so out of what is
 * logged on the way.
 */
export function askedByForm(
  request: IncomingMessage,
  { type, query: inAddress }: Pick<SearchAsked, "type" | "query">,
  search: (query: URLSearchParams) => Interaction,
): Interaction {
  return async (visit) => {
    const form = await readForm(request);
    if (!form.ok)
      return refused(form.problem, touch({ action: "search", compartment: null, type }));
    // R4 §3.1.1.3: parameters in the address count as if they stood in the body.
    return search(new URLSearchParams([...inAddress, ...form.value]))(visit);
  };
}

/** `POST /fhir/:type/_search`. */
export function searchByForm(
  deps: SearchDeps,
  request: IncomingMessage,
  asked: SearchAsked,
): Interaction {
  return askedByForm(request, asked, (query) => searchResources(deps, { ...asked, query }));
}
