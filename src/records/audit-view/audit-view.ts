import type { FoundEntry, PlacedEntry, WindowAsked } from "#audit/queries.ts";
import { parsePseudonym, parseResourceId, parseResourceType, type ResourceId } from "#core/ids.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { isAboutPeople } from "#records/access-log.ts";
import { auditEvent, parseEventId, type EventFacts } from "#records/audit-view/audit-event.ts";
import { parseEventQuery, type EventQuery } from "#records/audit-view/event-search.ts";
import {
  scopeOfEntry,
  scopeOfEvents,
  type EventScope,
  type ScopeResult,
} from "#records/audit-view/event-scope.ts";
import { overAllCharts } from "#records/matching/search-charts.ts";
import type { SamePerson } from "#records/matching/same-person.ts";
import { cursorLimits, openCursor, sealCursor, type CursorPlace } from "#records/cursor.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { searchsetBundle } from "#records/fhir/bundle.ts";
import { fhirAnswer } from "#records/http.ts";
import { makersFor, type NamesDeps } from "#records/names.ts";
import { refuseById } from "#records/read.ts";
import type { RecordStore } from "#records/store.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { Vault } from "#vault/vault.ts";

export const auditViewLimits = {
  /** Entries that are read for one page, be there matches among them or not. */
  entriesRead: 2_000,
  entriesPerRead: 200,
} as const;

export interface AuditViewDeps extends NamesDeps {
  readonly store: RecordStore;
  readonly vault: Vault;
  readonly publicOrigin: string;
  readonly samePerson: Pick<SamePerson, "othersOf" | "survivorOf">;
  /** See entriesInWindow. */
  readonly entriesIn: (asked: WindowAsked) => Promise<Result<readonly PlacedEntry[]>>;
  /** See entryAt. */
  readonly entryAt: (place: {
    readonly logId: number;
    readonly seq: number;
  }) => Promise<Result<FoundEntry | null>>;
}

const type = parseResourceType("AuditEvent");
const blank = touch({ action: "access-log", compartment: null, type });

function stop(scope: Extract<ScopeResult, { ok: false }>): Refusal {
  const { problem: found, compartment, policies } = scope;
  const reasons = [found.code, ...policies];
  return { ...refused(found, { ...blank, compartment }), reasons };
}

async function factsFor(
  found: readonly FoundEntry[],
  { audience, patientOf }: Pick<EventScope, "audience" | "patientOf">,
  deps: AuditViewDeps,
): Promise<Result<EventFacts>> {
  const entries = found.map(({ entry }) => entry);
  const makers = await makersFor(entries, null, deps);
  if (!makers.ok) return makers;
  return ok({ audience, patientOf, makerOf: makers.value, publicOrigin: deps.publicOrigin });
}

interface Event {
  readonly id: ResourceId;
  readonly text: string;
  readonly entry: FoundEntry["entry"];
}

interface Page {
  readonly events: readonly Event[];
  /** Where the next page goes on; null when this is the last. */
  readonly after: string | null;
}

async function eventsOf(
  found: readonly PlacedEntry[],
  { scope, query }: { readonly scope: EventScope; readonly query: EventQuery },
  deps: AuditViewDeps,
): Promise<Result<readonly (Event & { readonly cursor: string })[]>> {
  const seen = scope.audience === "patient" ? found.filter(isAboutPeople) : found;
  const facts = await factsFor(seen, scope, deps);
  if (!facts.ok) return facts;
  const { plan } = query;
  return ok(
    seen.flatMap((each) => {
      const value = auditEvent(each, facts.value);
      if (!plan.matches(value)) return [];
      const whole = JSON.stringify(value);
      const id = parseResourceId(value.id ?? "");
      invariant(type !== null && id !== null, "an AuditEvent has a place");
      const text = plan.shape === null ? whole : plan.shape(whole, type);
      return [{ id, text, entry: each.entry, cursor: each.cursor }];
    }),
  );
}

/** Reads on until the page is full, the log at its end, or as much read as one request may. */
async function pageOf(
  asked: { readonly scope: EventScope; readonly query: EventQuery; readonly after: string | null },
  deps: AuditViewDeps,
): Promise<Result<Page>> {
  const { scope, query } = asked;
  const events: Event[] = [];
  let before = asked.after;
  for (let read = 0; read < auditViewLimits.entriesRead;) {
    const { from, to, plan } = query;
    const limit = auditViewLimits.entriesPerRead;
    const found = await deps.entriesIn({ scope: scope.entries, from, to, before, limit });
    if (!found.ok) return found;
    const matching = await eventsOf(found.value, asked, deps);
    if (!matching.ok) return matching;
    for (const { cursor, ...event } of matching.value) {
      events.push(event);
      if (events.length === plan.count) return ok({ events, after: cursor });
    }
    if (found.value.length < limit) return ok({ events, after: null });
    before = found.value.at(-1)?.cursor ?? before;
    read += found.value.length;
  }
  return ok({ events, after: before });
}

function touchesOf({ charts, policies }: EventScope, { events }: Page): readonly Touch[] {
  const shown = { ...blank, categories: ["AuditEvent"], policies };
  if (charts.size > 0)
    return [...charts].map(([compartment, by]) => ({
      ...shown,
      compartment,
      policies: by,
      count: events.filter(({ entry }) => entry.patient === compartment).length,
    }));
  if (events.length === 0) return [shown];
  const byPatient = Map.groupBy(events, ({ entry }) => entry.patient);
  return [...byPatient].map(([patient, of]) => ({
    ...shown,
    compartment: patient === null ? null : parsePseudonym(patient),
    count: of.length,
  }));
}

const cursorParameter = "_cursor";

function placeOf({ at, caller }: Visit, { tenant }: AuditViewDeps): CursorPlace {
  invariant(type !== null, "AuditEvent is a type");
  return { at, type, account: caller.live.account, tenant };
}

interface Understood {
  readonly query: URLSearchParams;
  readonly after: string | null;
}

async function understand(
  deps: AuditViewDeps,
  visit: Visit,
  query: URLSearchParams,
): Promise<Result<Understood>> {
  const sealed = query.get(cursorParameter);
  if (sealed === null) return ok({ query, after: null });
  if (query.size > 1)
    return refuse("parameter-invalid", { at: cursorParameter, detail: "stands alone" });
  const cursor = await openCursor(sealed, placeOf(visit, deps), deps.vault);
  if (!cursor.ok) return cursor;
  return ok({ query: new URLSearchParams(cursor.value.query), after: cursor.value.after.key });
}

async function answerOf(
  deps: AuditViewDeps,
  visit: Visit,
  { query, page }: { readonly query: URLSearchParams; readonly page: Page },
): Promise<Result<string>> {
  const base = `${deps.publicOrigin}/fhir/AuditEvent`;
  const self = query.size === 0 ? base : `${base}?${query.toString()}`;
  const { events, after } = page;
  const next =
    after === null
      ? ok(null)
      : await sealCursor(
          { query: query.toString(), after: { key: after, id: "" } },
          placeOf(visit, deps),
          deps.vault,
        );
  if (!next.ok) return next;
  if (next.value !== null && next.value.length > cursorLimits.characters)
    return refuse("parameter-invalid", { detail: "The search is too long to be continued." });
  const links =
    next.value === null ? { self } : { self, next: `${base}?${cursorParameter}=${next.value}` };
  invariant(type !== null, "AuditEvent is a type");
  const entries = events.map(
    ({ id, text }) => ({ mode: "match", resource: { type, id, text } }) as const,
  );
  return ok(searchsetBundle({ publicOrigin: deps.publicOrigin, links, total: null, entries }));
}

/** The search, asking for the entries of each chart of the patient whom it names. */
function overCharts(
  { vault, samePerson }: AuditViewDeps,
  asked: EventQuery,
  { query, lenient }: { readonly query: URLSearchParams; readonly lenient: boolean },
): Result<EventQuery> {
  const { patient } = asked;
  if (patient === null) return ok(asked);
  const named = { patient, compartment: vault.pseudonymOf(patient) };
  const wide = overAllCharts(query, named, samePerson);
  if (wide === null) return ok(asked);
  const found = parseEventQuery(wide, lenient);
  return found.ok ? ok({ ...asked, plan: found.value.plan }) : found;
}

/** `GET /fhir/AuditEvent?…`: the log, newest first, as far as the caller may read it. */
export function searchAuditEvents(
  deps: AuditViewDeps,
  asked: { readonly query: URLSearchParams; readonly lenient: boolean },
): Interaction {
  return async (visit): Promise<Outcome> => {
    const fail = (found: Problem): Refusal => refused(found, blank);
    const understood = await understand(deps, visit, asked.query);
    if (!understood.ok) return fail(understood.problem);
    const { query: text, after } = understood.value;
    const query = parseEventQuery(text, asked.lenient);
    if (!query.ok) return fail(query.problem);
    const scope = await scopeOfEvents(visit, query.value, deps);
    if (!scope.ok) return stop(scope);
    const wide = overCharts(deps, query.value, { query: text, lenient: asked.lenient });
    if (!wide.ok) return fail(wide.problem);
    const page = await pageOf({ scope: scope.value, query: wide.value, after }, deps);
    if (!page.ok) return fail(page.problem);
    const answer = await answerOf(deps, visit, { query: text, page: page.value });
    if (!answer.ok) return fail(answer.problem);
    const touches = touchesOf(scope.value, page.value);
    return { kind: "shown", touches, answer: fhirAnswer(200, answer.value) };
  };
}

/** `GET /fhir/AuditEvent/:id`. */
export function readAuditEvent(deps: AuditViewDeps, id: ResourceId): Interaction {
  return async (visit): Promise<Outcome> => {
    const about = { ...blank, id };
    const place = parseEventId(id);
    const found = place === null ? ok(null) : await deps.entryAt(place);
    if (!found.ok) return refused(found.problem, about);
    if (found.value === null) return refused(problem("not-found"), about);
    const scope = scopeOfEntry(visit, found.value.entry);
    if (!scope.ok) {
      const { compartment, policies } = scope;
      return refuseById(visit, scope.problem, { touch: { ...about, compartment }, policies });
    }
    const { audience, charts, policies } = scope.value;
    const [compartment = null] = charts.keys();
    if (audience === "patient" && !isAboutPeople(found.value))
      return refused(problem("not-found"), { ...about, compartment });
    const facts = await factsFor([found.value], scope.value, deps);
    if (!facts.ok) return refused(facts.problem, { ...about, compartment });
    const text = JSON.stringify(auditEvent(found.value, facts.value));
    const shown = { ...about, compartment, policies, categories: ["AuditEvent"], count: 1 };
    return { kind: "shown", touches: [shown], answer: fhirAnswer(200, text) };
  };
}
