import type { ResourceId, ResourceType } from "#core/ids.ts";
import { refuse, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { conditionKey, conditionOf, seek, type Sought } from "#records/conditional.ts";
import { compartmentOf } from "#records/fhir/compartment.ts";
import { asResource } from "#records/fhir/validate.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { knownResourceType } from "#records/fhir/parse.ts";
import {
  nameOf,
  type BundleRequest,
  type FoundMatch,
  type Resolved,
} from "#records/fhir/transaction.ts";
import { literalLinks, type FoundReferences } from "#records/fhir/transaction-links.ts";
import type { Entry } from "#records/fhir/transaction-read.ts";
import type { Pause } from "#core/turns.ts";
import type { Touch, Visit } from "#records/visit.ts";
import type { WriteDeps } from "#records/write-prepare.ts";

export const conditionLimits = {
  /** Conditions and conditional references of one Bundle; each is a search. */
  perBundle: 5_000,
  /** Searches of one Bundle on their way at once. */
  underWay: 8,
} as const;

/** One condition of an entry: of its request, or of a reference in its resource. */
interface Ask {
  readonly entry: Entry;
  /** The reference's text; null for the condition of the request. */
  readonly reference: string | null;
  readonly type: ResourceType;
  readonly query: URLSearchParams;
}

/** What was found so far, while it is being looked for. */
interface Draft {
  readonly targets: Map<number, Result<FoundMatch | null>>;
  readonly references: Map<number, Result<Map<string, string>>>;
}

export interface Conditions {
  readonly resolved: Resolved;
  /** What the log is told of the looking. */
  readonly touches: readonly Touch[];
}

const none: Conditions = { resolved: { targets: new Map(), references: new Map() }, touches: [] };

const mayRefer = /"[A-Z][A-Za-z]+\?/;

function asksOf(entry: Entry, publicOrigin: string): readonly Ask[] {
  const { target, text } = entry;
  const asks: Ask[] = [];
  if (target.method !== "GET" && target.condition !== null)
    asks.push({ entry, reference: null, type: target.type, query: target.condition });
  if (text === null || !mayRefer.test(text)) return asks;
  const context = { identities: new Map(), references: new Map(), publicOrigin };
  for (const reference of literalLinks(entry, text, context).conditional) {
    const [name = "", query = ""] = reference.split(/\?(.*)/s, 2);
    const type = knownResourceType(name);
    if (type !== null) asks.push({ entry, reference, type, query: new URLSearchParams(query) });
  }
  return asks;
}

/** The names of what the Bundle writes, as far as they are known. */
interface Known {
  readonly identities: ReadonlyMap<string, string>;
  /** Patients that the Bundle creates: in their records nothing can be found yet. */
  readonly fresh: ReadonlySet<string>;
}

function knownOf(entries: readonly Entry[], resolved: Resolved): Known {
  const identities = new Map<string, string>();
  const fresh = new Set<string>();
  for (const entry of entries) {
    const name = nameOf(entry, resolved);
    if (name === null) continue;
    if (entry.fullUrl !== null) identities.set(entry.fullUrl, name);
    const { target } = entry;
    if (target.type === "Patient" && "id" in target && name === `Patient/${target.id}`)
      if (target.method === "POST" || ("condition" in target && target.condition !== null))
        fresh.add(target.id);
  }
  return { identities, fresh };
}

/** The patient whose record the entry's resource will belong to; null when it cannot be told. */
function patientOf(
  { entry, type }: Ask,
  draft: Draft,
  context: Known & { readonly publicOrigin: string },
): ResourceId | null {
  const { text, index } = entry;
  if (text === null || type === "Patient") return null;
  const found = draft.references.get(index);
  const references: FoundReferences = found?.ok === true ? found.value : new Map();
  const value: unknown = JSON.parse(literalLinks(entry, text, { ...context, references }).text);
  if (!isObject(value) || knownResourceType(String(value.resourceType)) === null) return null;
  const owner = compartmentOf(asResource(value));
  return owner.ok && owner.value.kind === "patient" ? owner.value.patient : null;
}

const placedProblem = (found: Problem, { reference }: Ask): Problem => ({
  ...found,
  at: reference === null ? "request" : "resource",
});

function note(draft: Draft, ask: Ask, found: Result<FoundMatch | null>): void {
  const { reference, entry, type } = ask;
  const { index } = entry;
  const told = found.ok ? found : failed(placedProblem(found.problem, ask));
  if (reference === null) {
    draft.targets.set(index, told);
    return;
  }
  const sofar = draft.references.get(index) ?? ok(new Map<string, string>());
  if (!sofar.ok) return;
  if (!told.ok) draft.references.set(index, told);
  else {
    // What is not found is left as it is, and refused when the links are made literal.
    if (told.value !== null) sofar.value.set(reference, `${type}/${told.value.id}`);
    draft.references.set(index, sofar);
  }
}

interface Seeking {
  readonly deps: WriteDeps;
  readonly visit: Visit;
  readonly draft: Draft;
  readonly touches: Touch[];
  /** Each condition is looked up once. */
  readonly sought: Map<string, Promise<Sought>>;
  /** Conditions by which an entry writes. */
  readonly claimed: Set<string>;
}

async function seekOne(seeking: Seeking, ask: Ask, known: Known): Promise<void> {
  const { deps, visit, draft, touches, sought, claimed } = seeking;
  const { publicOrigin } = deps;
  const patient = patientOf(ask, draft, { ...known, publicOrigin });
  const key = `${patient ?? ask.query.get("patient") ?? ""} ${conditionKey(ask)}`;
  if (ask.reference === null) {
    // Two entries that write what one condition finds would not know of each other.
    if (claimed.has(key)) {
      const detail = "asks what the condition of another entry asks";
      note(draft, ask, refuse("resource-invalid", { detail }));
      return;
    }
    claimed.add(key);
  }
  if (patient !== null && known.fresh.has(patient)) {
    note(draft, ask, ok(null));
    return;
  }
  const condition = conditionOf(ask.type, ask.query, patient);
  const before = sought.get(key);
  const seekingNow = before ?? seek(deps, visit, condition);
  sought.set(key, seekingNow);
  const found = await seekingNow;
  if (before === undefined && found.kind !== "refused") touches.push(...found.touches);
  if (found.kind === "refused") note(draft, ask, failed(found.problem));
  else note(draft, ask, ok(found.kind === "one" ? found.match : null));
}

async function seekAll(
  seeking: Seeking,
  asks: readonly Ask[],
  { known, pause }: { readonly known: Known; readonly pause: Pause },
): Promise<void> {
  const { underWay } = conditionLimits;
  for (let at = 0; at < asks.length; at += underWay) {
    await Promise.all(asks.slice(at, at + underWay).map((ask) => seekOne(seeking, ask, known)));
    await pause();
  }
}

/** Conditional references that ask for what an entry's own condition asks for mean that entry's resource. */
function withinBundle(draft: Draft, asks: readonly Ask[], all: readonly Ask[]): readonly Ask[] {
  const byKey = new Map<string, Entry>();
  for (const ask of all)
    if (ask.reference === null && ask.entry.target.method === "POST")
      byKey.set(conditionKey(ask), ask.entry);
  return asks.filter((ask) => {
    const entry = ask.reference === null ? undefined : byKey.get(conditionKey(ask));
    const name = entry === undefined ? null : nameOf(entry, draft);
    if (name === null || ask.reference === null) return true;
    const sofar = draft.references.get(ask.entry.index) ?? ok(new Map<string, string>());
    if (sofar.ok) draft.references.set(ask.entry.index, ok(sofar.value.set(ask.reference, name)));
    return false;
  });
}

/**
 * Looks up what the conditions of a Bundle's entries mean, and holds those conditions to the end of
 * the request, so that nobody else acts on them meanwhile. Patients come first: for what else is
 * sought, one must know in whose record. Fails as "too-costly" or "overloaded".
 */
export async function resolveConditions(
  deps: WriteDeps,
  visit: Visit,
  { request, pause }: { readonly request: BundleRequest; readonly pause: Pause },
): Promise<Result<Conditions>> {
  const entries: Entry[] = [];
  const asks: Ask[] = [];
  for (const entry of request.entries) {
    if (!entry.ok) continue;
    entries.push(entry.value);
    asks.push(...asksOf(entry.value, deps.publicOrigin));
    await pause();
  }
  if (asks.length === 0) return ok(none);
  if (asks.length > conditionLimits.perBundle)
    return refuse("too-costly", {
      detail: `A Bundle may name at most ${conditionLimits.perBundle} conditions.`,
    });
  const leave = await deps.turnstile.enter(
    asks.flatMap((ask) => (ask.reference === null ? [conditionKey(ask)] : [])),
  );
  if (!leave.ok) return leave;
  visit.afterwards(leave.value);
  const draft: Draft = { targets: new Map(), references: new Map() };
  const seeking: Seeking = {
    deps,
    visit,
    draft,
    touches: [],
    sought: new Map(),
    claimed: new Set(),
  };
  const isFirst = ({ type, reference }: Ask): boolean => type === "Patient" && reference === null;
  const ofPatients = ({ type }: Ask): boolean => type === "Patient";
  for (const stage of [
    asks.filter(isFirst),
    asks.filter((ask) => ofPatients(ask) && !isFirst(ask)),
    asks.filter((ask) => !ofPatients(ask) && ask.reference === null),
    asks.filter((ask) => !ofPatients(ask) && ask.reference !== null),
  ]) {
    const known = knownOf(entries, draft);
    await seekAll(seeking, withinBundle(draft, stage, asks), { known, pause });
  }
  return ok({ resolved: draft, touches: seeking.touches });
}
