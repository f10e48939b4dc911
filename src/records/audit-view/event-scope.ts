import type { EntryScope } from "#audit/queries.ts";
import type { AuditEntry } from "#core/audit-entry.ts";
import { parsePseudonym, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { Audience } from "#records/audit-view/audit-event.ts";
import type { EventQuery } from "#records/audit-view/event-search.ts";
import { readAccountsOf } from "#records/live-store.ts";
import { isWorkforce, type Verdict, type Visit } from "#records/visit.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import type { Compartment, Vault } from "#vault/vault.ts";

/** Which entries the caller may see of what she asks, and how they are told. */
export interface EventScope {
  readonly entries: EntryScope;
  readonly audience: Audience;
  /** The patient whose log it is; null where it is not one patient's. */
  readonly compartment: Pseudonym | null;
  readonly patient: ResourceId | null;
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

function ofPatient(visit: Visit, compartment: Pseudonym, patient: ResourceId | null): ScopeResult {
  const verdict = mayReadLog(visit, compartment);
  if (!verdict.permitted) return stop(verdict.problem, compartment, verdict.policies);
  return ok({
    entries: { kind: "patient", patient: compartment },
    audience: audienceOf(visit, compartment),
    compartment,
    patient: patient ?? visit.caller.live.patients.get(compartment) ?? null,
    policies: verdict.policies,
  });
}

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
    compartment: null,
    patient: null,
    policies: verdict.policies,
  });
}

function ofSystem(visit: Visit, { pseudonym }: EventQuery): ScopeResult {
  const verdict = mayReadLog(visit, "organisation");
  if (!verdict.permitted) return stop(verdict.problem, null, verdict.policies);
  return ok({
    entries: pseudonym === null ? { kind: "all" } : { kind: "patient", patient: pseudonym },
    audience: "system",
    compartment: pseudonym,
    patient: null,
    policies: verdict.policies,
  });
}

/**
 * The log of the patient who is named, or of the person's only one; of an agent; or of the system
 * as a whole, each as policy permits.
 */
export async function scopeOfEvents(
  visit: Visit,
  query: EventQuery,
  deps: ScopeDeps,
): Promise<ScopeResult> {
  const { patient, pseudonym } = query;
  if (patient !== null) return ofPatient(visit, deps.vault.pseudonymOf(patient), patient);
  if (pseudonym !== null && mayReadLog(visit, pseudonym).permitted)
    return ofPatient(visit, pseudonym, null);
  if (!isWorkforce(visit.caller)) {
    const [own, more] = visit.caller.live.patients.keys();
    return own === undefined || more !== undefined
      ? stop(problem("parameter-invalid", { at: "patient", detail: "is needed here" }))
      : ofPatient(visit, own, null);
  }
  return (await ofActor(visit, query, deps)) ?? ofSystem(visit, query);
}

/** How the caller may see one entry; a refusal when not at all. */
export function scopeOfEntry(visit: Visit, { patient }: AuditEntry): ScopeResult {
  const pseudonym = patient === null ? null : parsePseudonym(patient);
  const own = pseudonym === null ? null : ofPatient(visit, pseudonym, null);
  if (own?.ok === true) return own;
  const verdict = mayReadLog(visit, "organisation");
  if (!verdict.permitted) return own ?? stop(verdict.problem, null, verdict.policies);
  return ok({
    entries: { kind: "all" },
    audience: "system",
    compartment: pseudonym,
    patient: null,
    policies: verdict.policies,
  });
}
