import type { EntryScope } from "#audit/queries.ts";
import type { AuditEntry } from "#core/audit-entry.ts";
import { parsePseudonym, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { Audience } from "#records/audit-view/audit-event.ts";
import type { EventQuery } from "#records/audit-view/event-search.ts";
import type { SamePerson } from "#records/matching/same-person.ts";
import { readAccountsOf } from "#records/live-store.ts";
import { isWorkforce, type Verdict, type Visit } from "#records/visit.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import type { Compartment, Vault } from "#vault/vault.ts";

/** Which entries the caller may see of what she asks, and how they are told. */
export interface EventScope {
  readonly entries: EntryScope;
  readonly audience: Audience;
  /** The charts of the person whose log it is, and by which policies each; none where it is not one person's. */
  readonly charts: ReadonlyMap<Pseudonym, readonly string[]>;
  /** FHIR id of the patient whose entry it is; null where that is not known or not to be told. */
  readonly patientOf: (entry: AuditEntry) => ResourceId | null;
  readonly policies: readonly string[];
}

export type ScopeResult =
  | { readonly ok: true; readonly value: EventScope }
  | {
      readonly ok: false;
      readonly problem: Problem;
      readonly compartment: Pseudonym | null;
      readonly policies: readonly string[];
    };

interface ScopeDeps {
  readonly db: Queryable;
  readonly vault: Pick<Vault, "pseudonymOf">;
  readonly samePerson: Pick<SamePerson, "othersOf">;
}

const stop = (
  found: Problem,
  compartment: Pseudonym | null = null,
  policies: readonly string[] = [],
): ScopeResult => ({ ok: false, problem: found, compartment, policies });

/** Whether the caller may read the log of this patient; of the system, where it is no patient's. */
export function mayReadLog(visit: Visit, compartment: Compartment): Verdict {
  const question = { action: "audit-read", type: "AuditEvent", inCareTeam: false } as const;
  return visit.decide({ ...question, compartment, labels: [] });
}

const audienceOf = (visit: Visit, compartment: Pseudonym): Audience =>
  visit.caller.live.patients.has(compartment) && !isWorkforce(visit.caller) ? "patient" : "officer";

interface NamedChart {
  readonly compartment: Pseudonym;
  readonly id: ResourceId | null;
}

/** The log of one chart and, of `others` of the same person, those that the caller may read. */
function ofPatient(visit: Visit, chart: NamedChart, others: readonly NamedChart[]): ScopeResult {
  const { compartment } = chart;
  const verdict = mayReadLog(visit, compartment);
  if (!verdict.permitted) return stop(verdict.problem, compartment, verdict.policies);
  const charts = new Map([[compartment, verdict.policies]]);
  for (const other of others) {
    const { permitted, policies } = mayReadLog(visit, other.compartment);
    if (permitted) charts.set(other.compartment, policies);
  }
  const own = visit.caller.live.patients;
  const ids = new Map<string, ResourceId | null>(
    [chart, ...others].map((each) => [
      each.compartment,
      each.id ?? own.get(each.compartment) ?? null,
    ]),
  );
  return ok({
    entries: { kind: "patients", patients: [...charts.keys()] },
    audience: audienceOf(visit, compartment),
    charts,
    patientOf: ({ patient }) => (patient === null ? null : (ids.get(patient) ?? null)),
    policies: verdict.policies,
  });
}

const noCharts: EventScope["charts"] = new Map();
const nameless = (): null => null;

// Nobody's pseudonym: policy sees only how the caller stands to a patient.
const nobody = parsePseudonym("00000000-0000-4000-8000-000000000000");

async function accountsOf(
  { practitioner, account }: EventQuery,
  db: Queryable,
): Promise<Result<readonly string[]>> {
  if (practitioner === null) return ok(account === null ? [] : [account]);
  return attempt(() => readAccountsOf(db, practitioner));
}

/** What someone of the staff did with any patient's record, for whoever may read every patient's log. */
async function ofActor(
  visit: Visit,
  query: EventQuery,
  { db }: ScopeDeps,
): Promise<ScopeResult | null> {
  if (query.practitioner === null && query.account === null) return null;
  invariant(nobody !== null, "a constant pseudonym is one");
  const verdict = mayReadLog(visit, nobody);
  if (!verdict.permitted) return null;
  const actors = await accountsOf(query, db);
  if (!actors.ok) return stop(actors.problem);
  return ok({
    entries: { kind: "actors", actors: actors.value },
    audience: "officer",
    charts: noCharts,
    patientOf: nameless,
    policies: verdict.policies,
  });
}

function ofSystem(visit: Visit, { pseudonym }: EventQuery): ScopeResult {
  const verdict = mayReadLog(visit, "organisation");
  if (!verdict.permitted) return stop(verdict.problem, null, verdict.policies);
  return ok({
    // By pseudonym it is that chart's alone: whose else it is, is not this reader's to know.
    entries: pseudonym === null ? { kind: "all" } : { kind: "patients", patients: [pseudonym] },
    audience: "system",
    charts: pseudonym === null ? noCharts : new Map([[pseudonym, verdict.policies]]),
    patientOf: nameless,
    policies: verdict.policies,
  });
}

/**
 * The log of the patient who is named, or of the person's only one, in all charts of hers; of an
 * agent; or of the system as a whole, each as policy permits.
 */
export async function scopeOfEvents(
  visit: Visit,
  query: EventQuery,
  deps: ScopeDeps,
): Promise<ScopeResult> {
  const { patient, pseudonym } = query;
  const whole = (compartment: Pseudonym, id: ResourceId | null): ScopeResult => {
    const others = deps.samePerson.othersOf(compartment);
    // Who asks by pseudonym is told no ids.
    const named = id === null ? others.map((each) => ({ ...each, id: null })) : others;
    return ofPatient(visit, { compartment, id }, named);
  };
  if (patient !== null) return whole(deps.vault.pseudonymOf(patient), patient);
  if (pseudonym !== null && mayReadLog(visit, pseudonym).permitted) return whole(pseudonym, null);
  if (!isWorkforce(visit.caller)) {
    const [own, ...more] = visit.caller.live.patients.keys();
    const hers = own === undefined ? [] : deps.samePerson.othersOf(own);
    const isOne = more.every((each) => hers.some(({ compartment }) => compartment === each));
    return own === undefined || !isOne
      ? stop(problem("parameter-invalid", { at: "patient", detail: "is needed here" }))
      : whole(own, null);
  }
  return (await ofActor(visit, query, deps)) ?? ofSystem(visit, query);
}

/** How the caller may see one entry; a refusal when not at all. */
export function scopeOfEntry(visit: Visit, { patient }: AuditEntry): ScopeResult {
  const compartment = patient === null ? null : parsePseudonym(patient);
  const own = compartment === null ? null : ofPatient(visit, { compartment, id: null }, []);
  if (own?.ok === true) return own;
  const verdict = mayReadLog(visit, "organisation");
  if (!verdict.permitted) return own ?? stop(verdict.problem, null, verdict.policies);
  return ok({
    entries: { kind: "all" },
    audience: "system",
    charts: compartment === null ? noCharts : new Map([[compartment, verdict.policies]]),
    patientOf: nameless,
    policies: verdict.policies,
  });
}
