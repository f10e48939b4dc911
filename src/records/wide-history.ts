import { parseInstant, type Instant } from "#core/clock.ts";
import {
  parseResourceId,
  parseResourceType,
  type ResourceId,
  type ResourceType,
} from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { openCursor, sealCursor, type CursorPlace } from "#records/cursor.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { historyBundle, type BundlePage } from "#records/fhir/bundle.ts";
import { storableTypes } from "#records/fhir/capability.ts";
import { boundsOf } from "#records/fhir/dates.ts";
import { readChanges, type ChangePosition } from "#records/history-store.ts";
import { fhirAnswer } from "#records/http.ts";
import type { Kinds } from "#records/kinds.ts";
import { openLiving, type OpenedRow } from "#records/opening.ts";
import { decideOpened, refuseUnopened, union, type ReadDeps } from "#records/read.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { Queryable } from "#storage/database.ts";
import type { Compartment, Vault } from "#vault/vault.ts";

export const wideHistoryLimits = {
  /** Records times types that one history may look through. */
  looks: 6_000,
} as const;

export interface WideHistoryDeps extends ReadDeps {
  readonly vault: Vault;
  readonly db: Queryable;
}

/** `type` null for the history of the system. */
export interface HistoryAsked {
  readonly type: ResourceType | null;
  readonly query: URLSearchParams;
}

interface Asked {
  readonly since: Instant | null;
  readonly count: number;
  /** In whose record alone; null for all that the caller may see. */
  readonly patient: ResourceId | null;
  readonly after: ChangePosition | null;
  /** The parameters, form-encoded, for the page after. */
  readonly query: string;
}

const known = new Set(["_since", "_count", "patient", "_format", "_pretty"]);

function parseAsked(query: URLSearchParams): Result<Omit<Asked, "after">> {
  const odd = [...query.keys()].find((name) => !known.has(name));
  if (odd !== undefined)
    return refuse("parameter-unknown", { detail: "A history takes _since, _count and patient." });
  const sinceText = query.get("_since");
  const from = sinceText === null ? null : boundsOf(sinceText)?.from;
  const since = from === undefined || from === null ? null : parseInstant(from);
  if (sinceText !== null && since === null)
    return refuse("parameter-invalid", { at: "_since", detail: "is no instant" });
  const countText = query.get("_count") ?? String(limits.searchPageDefault);
  if (!/^[1-9][0-9]{0,8}$/.test(countText))
    return refuse("parameter-invalid", { at: "_count", detail: "is not a whole number from 1" });
  const patientText = query.get("patient")?.replace(/^Patient\//, "") ?? null;
  const patient = patientText === null ? null : parseResourceId(patientText);
  if (patientText !== null && patient === null)
    return refuse("parameter-invalid", { at: "patient", detail: "is the id of a Patient" });
  const count = Math.min(Number(countText), limits.searchPageMax);
  return ok({ since, count, patient, query: query.toString() });
}

function cursorPlace(
  { at, caller }: Visit,
  type: ResourceType | null,
  { tenant }: WideHistoryDeps,
): CursorPlace {
  // No FHIR type ends so: a cursor of a history is none of a search.
  const name = parseResourceType(`${type ?? "System"}History`);
  invariant(name !== null, "a history has a name");
  return { tenant, at, type: name, account: caller.live.account };
}

function positionOf(key: string, id: string): ChangePosition | null {
  const [at = "", type = "", version = ""] = key.split(" ");
  const lastUpdated = parseInstant(Number(at));
  return lastUpdated === null ? null : { lastUpdated, type, id, version: Number(version) };
}

async function understand(
  deps: WideHistoryDeps,
  visit: Visit,
  { type, query }: HistoryAsked,
): Promise<Result<Asked>> {
  const sealed = query.get("_cursor");
  if (sealed === null) {
    const asked = parseAsked(query);
    return asked.ok ? ok({ ...asked.value, after: null }) : asked;
  }
  if (query.size > 1) return refuse("parameter-invalid", { at: "_cursor", detail: "stands alone" });
  const cursor = await openCursor(sealed, cursorPlace(visit, type, deps), deps.vault);
  if (!cursor.ok) return cursor;
  const asked = parseAsked(new URLSearchParams(cursor.value.query));
  const { key, id } = cursor.value.after;
  return asked.ok ? ok({ ...asked.value, after: positionOf(key, id) }) : asked;
}

/** A record that the caller may see the history of. */
interface Allowed {
  readonly compartment: Compartment;
  readonly inCareTeam: boolean;
}

/** The records that could be meant: of one patient, or of all whom the caller is, acts or cares for, and the organisation's. */
async function candidates(
  { store, vault }: WideHistoryDeps,
  { asker, caller }: Visit,
  patient: ResourceId | null,
): Promise<Result<readonly Allowed[]>> {
  if (patient !== null) {
    const compartment = vault.pseudonymOf(patient);
    const inCareTeam = await store.isInCareTeam(compartment, asker);
    return inCareTeam.ok ? ok([{ compartment, inCareTeam: inCareTeam.value }]) : inCareTeam;
  }
  const cared = asker.practitioner === null ? ok([]) : await store.patientsOf(asker);
  if (!cared.ok) return cared;
  const team = new Set<Compartment>(cared.value);
  const all = new Set<Compartment>([...caller.live.patients.keys(), ...team, "organisation"]);
  return ok([...all].map((compartment) => ({ compartment, inCareTeam: team.has(compartment) })));
}

function mayLook(visit: Visit, type: ResourceType | null, { compartment, inCareTeam }: Allowed) {
  const asked = type ?? (compartment === "organisation" ? "Practitioner" : "Patient");
  const question = { action: "history", type: asked, labels: [] } as const;
  return visit.decide({ ...question, compartment, inCareTeam });
}

interface Change {
  readonly opened: OpenedRow;
  readonly kinds: Kinds;
  readonly policies: readonly string[];
}

/** Of what was opened, what policy lets the caller see now that its labels are known. */
function visible(
  { kindsOf }: WideHistoryDeps,
  visit: Visit,
  { opened, allowed }: { opened: readonly OpenedRow[]; allowed: readonly Allowed[] },
): readonly Change[] {
  const inTeam = new Map(allowed.map((each) => [each.compartment, each.inCareTeam]));
  return opened.flatMap((each): readonly Change[] => {
    const { type, compartment } = each.row;
    const kinds = kindsOf(each);
    const inCareTeam = inTeam.get(compartment) ?? false;
    const question = { action: "history", type, compartment, inCareTeam } as const;
    const { permitted, policies } = decideOpened(visit, question, [kinds]);
    return permitted ? [{ opened: each, kinds, policies }] : [];
  });
}

/** One touch for each record of which the page shows anything; one for a page that shows nothing. */
function touchesOf(blank: Touch, changes: readonly Change[]): readonly Touch[] {
  const byCompartment = Map.groupBy(changes, ({ opened }) => opened.row.compartment);
  if (byCompartment.size === 0) return [blank];
  return [...byCompartment].map(([compartment, shown]) => ({
    ...blank,
    compartment,
    categories: union(shown.map(({ kinds }) => kinds.categories)),
    count: shown.length,
    policies: union(shown.map(({ policies }) => policies)),
  }));
}

async function show(
  deps: WideHistoryDeps,
  visit: Visit,
  about: { readonly type: ResourceType | null; readonly asked: Asked; readonly blank: Touch },
): Promise<Outcome> {
  const { type, asked, blank } = about;
  const stop = (found: Problem): Refusal => refused(found, blank);
  const found = await candidates(deps, visit, asked.patient);
  if (!found.ok) return stop(found.problem);
  const allowed = found.value.filter((each) => mayLook(visit, type, each).permitted);
  if (allowed.length === 0) return stop(problem("forbidden"));
  const types = type === null ? storableTypes() : [type];
  if (allowed.length * types.length > wideHistoryLimits.looks)
    return stop(problem("too-costly", { detail: "Name one patient, or one type of resource." }));
  const { since, after, count } = asked;
  const compartments = allowed.map(({ compartment }) => compartment);
  const limit = count + 1;
  const rows = await readChanges(deps.db, { compartments, types, since, after, limit });
  if (!rows.ok) return stop(rows.problem);
  const page = rows.value.slice(0, count);
  const opened = await openLiving(page, deps, visit);
  if (!opened.ok) return refuseUnopened(opened, blank);
  const changes = visible(deps, visit, { opened: opened.value, allowed });
  const last = rows.value.length > count ? page.at(-1) : undefined;
  const links = await linksOf(deps, visit, { type, asked, last });
  if (!links.ok) return stop(links.problem);
  const versions = changes.map(({ opened: { row, text } }) => ({
    ...row,
    text: row.deleted ? null : text,
  }));
  const { publicOrigin } = deps;
  const body = historyBundle({ publicOrigin, links: links.value, total: null, versions });
  return { kind: "shown", touches: touchesOf(blank, changes), answer: fhirAnswer(200, body) };
}

async function linksOf(
  deps: WideHistoryDeps,
  visit: Visit,
  {
    type,
    asked,
    last,
  }: {
    readonly type: ResourceType | null;
    readonly asked: Asked;
    /** The last version of this page, when another follows. */
    readonly last: OpenedRow["row"] | undefined;
  },
): Promise<Result<BundlePage["links"]>> {
  const base = `${deps.publicOrigin}/fhir/${type === null ? "" : `${type}/`}_history`;
  const self = asked.query === "" ? base : `${base}?${asked.query}`;
  if (last === undefined) return ok({ self });
  const key = `${last.lastUpdated} ${last.type} ${last.version}`;
  const cursor = { query: asked.query, after: { key, id: last.id } };
  const sealed = await sealCursor(cursor, cursorPlace(visit, type, deps), deps.vault);
  return sealed.ok ? ok({ self, next: `${base}?_cursor=${sealed.value}` }) : sealed;
}

/**
 * `GET /fhir/_history` and `GET /fhir/:type/_history` (R4 §3.1.0.12), newest first, of all records
 * whose history the caller may see; `patient` is our own parameter, for the record of one. Versions
 * whose labels policy keeps from the caller are left out, and no total is told.
 */
export function readWideHistory(deps: WideHistoryDeps, { type, query }: HistoryAsked): Interaction {
  return async (visit) => {
    const blank = touch({ action: "history", compartment: null, type });
    const asked = await understand(deps, visit, { type, query });
    return asked.ok
      ? show(deps, visit, { type, asked: asked.value, blank })
      : refused(asked.problem, blank);
  };
}
