import { parseInstant, type Instant } from "#core/clock.ts";
import {
  parseAccountId,
  parsePseudonym,
  parseResourceId,
  parseResourceType,
  type AccountId,
  type Pseudonym,
  type ResourceId,
} from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { identifierSystems } from "#records/audit-view/audit-event.ts";
import { boundsOf } from "#records/fhir/dates.ts";
import { parseReference } from "#records/fhir/references.ts";
import { parseSearch, type SearchPlan } from "#records/fhir/search.ts";

/** Whose entries are asked for, as far as the search itself says. */
export interface EventQuery {
  /** Asked of each AuditEvent as it is shown. */
  readonly plan: SearchPlan;
  readonly patient: ResourceId | null;
  readonly pseudonym: Pseudonym | null;
  /** An agent by Practitioner or by account. */
  readonly practitioner: ResourceId | null;
  readonly account: AccountId | null;
  /** What `date` leaves of all time. */
  readonly from: Instant;
  readonly to: Instant;
}

// What only the log can be asked, as no AuditEvent that is shown to a patient names it.
const patientIdentifier = "patient:identifier";
const agentIdentifier = "agent:identifier";

const invalid = (at: string, detail: string): ReturnType<typeof refuse> =>
  refuse("parameter-invalid", { at, detail });

/** `system|value` of one of our own systems; null for anything else. */
function identifierValue(text: string, system: string): string | null {
  return text.startsWith(`${system}|`) ? text.slice(system.length + 1) : null;
}

function referenced(text: string | null, type: string): ResourceId | null {
  if (text === null) return null;
  const literal = parseReference(text);
  if (literal !== null) return literal.type === type ? literal.id : null;
  return type === "Patient" ? parseResourceId(text) : null;
}

const dateText = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.+)$/;

/** The stretch of time outside of which no `date` of the search lies; matches are asked again anyway. */
function windowOf(dates: readonly string[]): { readonly from: number; readonly to: number } {
  let [from, to] = [0, Number.MAX_SAFE_INTEGER];
  for (const text of dates) {
    if (text.includes(",")) continue;
    const [, prefix = "eq", value = ""] = dateText.exec(text) ?? [];
    const bounds = boundsOf(value);
    if (bounds === null) continue;
    if (["eq", "ge", "gt", "sa"].includes(prefix)) from = Math.max(from, bounds.from);
    if (["eq", "le", "lt", "eb"].includes(prefix)) to = Math.min(to, bounds.to);
  }
  return { from, to };
}

const latest = 8.64e15;

function instantOf(ms: number): Instant {
  const at = parseInstant(Math.min(ms, latest));
  invariant(at !== null, "a bound is a time");
  return at;
}

const auditEventType = parseResourceType("AuditEvent");

function refusedPart(plan: SearchPlan, query: URLSearchParams): ReturnType<typeof refuse> | null {
  if (plan.includes.length > 0 || plan.joins.length > 0)
    return refuse("parameter-unknown", { detail: "The log is searched by itself alone." });
  const sort = query.get("_sort");
  if (sort !== null && sort !== "-date" && sort !== "-_lastUpdated")
    return invalid("_sort", "The log is read newest first.");
  return plan.count === 0 ? invalid("_count", "The log is not counted.") : null;
}

/**
 * Reads a search for AuditEvents. Fails as parseSearch does, and with parameter-invalid for another
 * order than newest first, and for a count of the whole.
 */
export function parseEventQuery(query: URLSearchParams, lenient: boolean): Result<EventQuery> {
  invariant(auditEventType !== null, "AuditEvent is a type");
  const rest = new URLSearchParams(query);
  rest.delete(patientIdentifier);
  rest.delete(agentIdentifier);
  const plan = parseSearch(auditEventType, rest, { lenient });
  if (!plan.ok) return plan;
  const obstacle = refusedPart(plan.value, query);
  if (obstacle !== null) return obstacle;
  const [pseudonymText, accountText] = [query.get(patientIdentifier), query.get(agentIdentifier)];
  const pseudonym =
    pseudonymText === null
      ? null
      : parsePseudonym(identifierValue(pseudonymText, identifierSystems.pseudonym) ?? "");
  if (pseudonymText !== null && pseudonym === null)
    return invalid(patientIdentifier, `is ${identifierSystems.pseudonym}| and a pseudonym`);
  const account =
    accountText === null
      ? null
      : parseAccountId(identifierValue(accountText, identifierSystems.account) ?? "");
  if (accountText !== null && account === null)
    return invalid(agentIdentifier, `is ${identifierSystems.account}| and an account`);
  const { from, to } = windowOf(query.getAll("date"));
  return ok({
    plan: plan.value,
    patient: referenced(query.get("patient"), "Patient"),
    pseudonym,
    practitioner: referenced(query.get("agent"), "Practitioner"),
    account,
    from: instantOf(from),
    to: instantOf(to),
  });
}
