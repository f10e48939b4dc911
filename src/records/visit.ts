import {
  auditEntry,
  type AuditAction,
  type AuditEntry,
  type PurposeOfUse,
} from "#core/audit-entry.ts";
import type { ClientFacts } from "#core/client-facts.ts";
import type { Instant } from "#core/clock.ts";
import type { Pseudonym, ResourceId, TenantId } from "#core/ids.ts";
import type {
  PersonRole,
  PolicyAction,
  PolicyDecision,
  PolicyRequest,
  StepUp,
} from "#core/policy-request.ts";
import { problem, type Problem } from "#core/problem.ts";
import { unreachable } from "#core/result.ts";
import type { Authorizer } from "#policy/authorizer.ts";
import { obligationText } from "#policy/obligation.ts";
import type { Caller } from "#records/caller.ts";
import type { StandingOpenings } from "#records/break-glass/standing-openings.ts";
import type { ConsentBook } from "#records/consent/consent-book.ts";
import type { Standing } from "#records/consent/provision.ts";
import {
  decidedGround,
  groundsForLog,
  obligationGround,
  openingGround,
  standsOnOpening,
} from "#records/grounds.ts";
import type { SamePerson } from "#records/matching/same-person.ts";
import type { Content } from "#records/scopes.ts";
import type { CareAsker } from "#records/store.ts";
import type { Compartment } from "#vault/vault.ts";

/** What policy is asked about one piece of data. */
export interface Question {
  readonly action: PolicyAction;
  readonly type: string;
  readonly compartment: Compartment;
  readonly inCareTeam: boolean;
  /** FHIR id of the Encounter that the data says it belongs to, where that matters. */
  readonly encounter?: string | null;
  readonly labels: readonly string[];
  /** By which scopes that are narrowed to some data are held; see Covering of scopes.ts. */
  readonly content?: Content;
}

export type Verdict =
  | { readonly permitted: true; readonly policies: readonly string[] }
  | { readonly permitted: false; readonly problem: Problem; readonly policies: readonly string[] };

/** What the log is told of one patient's data (or the organisation's) that a request touched. */
export interface Touch {
  readonly action: AuditAction;
  /** Null when it is not known whose data was asked for. */
  readonly compartment: Compartment | null;
  readonly type: string | null;
  readonly id: string | null;
  readonly version: number | null;
  readonly categories: readonly string[];
  readonly count: number;
  readonly dekVersion: number | null;
  readonly ciphertextHash: string | null;
  readonly policies: readonly string[];
  /** An alarm that goes with it, by name. */
  readonly signal?: string;
  /** Where it is another than the caller's role says. */
  readonly purpose?: PurposeOfUse;
}

/** Fills what a touch leaves out: callers name only what they know. */
export function touch(known: Pick<Touch, "action" | "compartment"> & Partial<Touch>): Touch {
  return {
    type: null,
    id: null,
    version: null,
    categories: [],
    count: 0,
    dekVersion: null,
    ciphertextHash: null,
    policies: [],
    ...known,
  };
}

/** One request of a proven caller. */
export interface Visit {
  readonly at: Instant;
  readonly facts: ClientFacts;
  readonly caller: Caller;
  readonly asker: CareAsker;
  /** Asks first the token's scopes, then policy. */
  decide(question: Question): Verdict;
  /** Has this done when the request is over: its entries, and what it wrote, are durable or have failed. */
  afterwards(done: () => void): void;
}

const workforceRoles = [
  "clinician",
  "privacy-officer",
  "security-operator",
  "administrator",
  "service",
  "kiosk",
] as const satisfies readonly PersonRole[];

/** Whether the person has any role beside that of a patient, or of one acting for a patient. */
export const isWorkforce = ({ live }: Caller): boolean =>
  workforceRoles.some((role) => live.roles.includes(role));

/** How the caller stands to whose data it is: without the role, a chart of hers or a grant is nothing. */
function standingOf({ live }: Caller, compartment: Compartment | null): Standing {
  if (compartment === null || compartment === "organisation") return "other";
  if (live.own.has(compartment) && live.roles.includes("patient")) return "patient";
  return live.actsFor.has(compartment) && live.roles.includes("proxy") ? "representative" : "other";
}

/** In which role, and for which purpose, the caller touches this data: her own record even where she also works here. */
export function actingAs(
  caller: Caller,
  compartment: Compartment | null,
): { readonly role: PersonRole | null; readonly purpose: PurposeOfUse } {
  const { roles } = caller.live;
  const standing = standingOf(caller, compartment);
  if (standing !== "other") {
    const role = standing === "patient" ? "patient" : "proxy";
    return { role, purpose: "PATRQT" };
  }
  const asPatient = (["patient", "proxy"] as const).find((role) => roles.includes(role)) ?? null;
  const role = workforceRoles.find((known) => roles.includes(known)) ?? asPatient;
  const usual =
    role === "clinician" || role === "kiosk" ? "TREAT" : role === asPatient ? "PATRQT" : "HOPERAT";
  return { role, purpose: caller.purpose ?? usual };
}

/** Whether what the request states to be for leaves room for an emergency. */
const mayBeEmergency = ({ purpose }: Caller): boolean => purpose === null || purpose === "TREAT";

/** One's own record is asked for as one's own: no role at work makes it anything else. */
const misstatesOwn = (caller: Caller, compartment: Compartment): boolean =>
  caller.purpose !== null &&
  caller.purpose !== "PATRQT" &&
  standingOf(caller, compartment) !== "other";

export interface VisitDeps {
  readonly tenant: TenantId;
  readonly authorizer: Authorizer;
  readonly consents: Pick<ConsentBook, "forbids">;
  readonly samePerson: Pick<SamePerson, "othersOf">;
  readonly openings: Pick<StandingOpenings, "idOf">;
  readonly pseudonymOf: (patient: ResourceId) => Pseudonym;
}

export type BeginVisit = (
  caller: Caller,
  facts: ClientFacts,
  at: Instant,
  afterwards: Visit["afterwards"],
) => Visit;

/** The chart's being open to this clinician, who does not care for her; null for everybody else. */
function openingFor(
  { openings, samePerson }: VisitDeps,
  { caller, at }: Pick<Visit, "caller" | "at">,
  { compartment, inCareTeam }: Question,
): string | null {
  if (inCareTeam || compartment === "organisation" || !mayBeEmergency(caller)) return null;
  if (actingAs(caller, compartment).role !== "clinician") return null;
  const charts = [compartment, ...samePerson.othersOf(compartment).map((each) => each.compartment)];
  return openings.idOf(caller.live.account, charts, at);
}

/** Why it is asked: what stands on an emergency is for nothing else. */
function purposeOf(caller: Caller, question: Question, opening: string | null): PurposeOfUse {
  const { role, purpose } = actingAs(caller, question.compartment);
  const isEmergency =
    question.action === "break-glass" && role === "clinician" && mayBeEmergency(caller);
  return isEmergency || opening !== null ? "BTG" : purpose;
}

/** A Consent speaks of a person: what stands in one of her charts holds for all of them. */
function isForbidden(
  { consents, samePerson }: VisitDeps,
  { caller, at }: Pick<Visit, "caller" | "at">,
  { compartment, action, type, labels }: Question,
  purpose: PurposeOfUse,
): boolean {
  if (compartment === "organisation") return false;
  const others = samePerson.othersOf(compartment);
  const asked = {
    standing: standingOf(caller, compartment),
    practitioner: caller.live.practitioner,
    purpose,
    action,
    type,
    labels,
    at,
  };
  return (
    consents.forbids(compartment, asked) ||
    others.some((chart) => consents.forbids(chart.compartment, asked))
  );
}

function policyRequest(
  deps: VisitDeps,
  visit: Pick<Visit, "caller" | "facts" | "at">,
  question: Question,
  opening: string | null,
): PolicyRequest {
  const { caller, facts } = visit;
  const { claims, live } = caller;
  const { compartment, type, inCareTeam, labels, action } = question;
  const purpose = purposeOf(caller, question, opening);
  return {
    tenant: deps.tenant,
    person: {
      account: live.account,
      roles: live.roles,
      patients: [...live.own.keys()],
      actsFor: [...live.actsFor.keys()],
    },
    session: { id: live.session },
    device: { id: live.device, level: live.deviceLevel },
    client: { id: claims.client },
    zone: facts.zone,
    purpose,
    action,
    resource: {
      type,
      patient: compartment === "organisation" ? null : compartment,
      inCareTeam,
      openedInEmergency: opening !== null,
      ofVisit: isOfVisit(caller, question),
      labels,
      forbiddenByConsent: isForbidden(deps, visit, question, purpose),
    },
  };
}

/** What a clinician handed over counts only while she cares for the patient; the patient's own code needs no one. */
function isOfVisit({ live }: Caller, { encounter = null, inCareTeam }: Question): boolean {
  const { kioskVisit, practitioner } = live;
  return kioskVisit !== null && encounter === kioskVisit && (practitioner === null || inCareTeam);
}

/** Whether the person proved herself so long ago at most; unknown is too long ago. */
function isFresh({ claims }: Caller, at: Instant, { maxAgeSeconds }: StepUp): boolean {
  if (maxAgeSeconds === null) return true;
  return claims.signedInAt !== null && at - claims.signedInAt <= maxAgeSeconds * 1_000;
}

function stepUpProblem(needs: StepUp): Problem {
  const { level, maxAgeSeconds } = needs;
  const asks = [
    level === null ? [] : [`a device of level ${level} or more`],
    maxAgeSeconds === null ? [] : [`a sign-in of the last ${maxAgeSeconds} seconds`],
  ];
  const detail = `This needs ${asks.flat().join(" and ")}.`;
  return problem("sign-in-insufficient", { detail, needs });
}

function verdictOf(
  decision: PolicyDecision,
  opening: string | null,
  { caller, at }: Pick<Visit, "caller" | "at">,
): Verdict {
  const policies = [
    ...decision.policies,
    ...(decision.asked === "" ? [] : [decidedGround(decision.asked)]),
    ...(opening === null ? [] : [openingGround(opening)]),
  ];
  const refusal = (found: Problem): Verdict => ({ permitted: false, problem: found, policies });
  switch (decision.effect) {
    case "permit": {
      const { obligations } = decision;
      policies.push(...obligations.map((each) => obligationGround(obligationText(each))));
      const stale = obligations.find(
        (each) => each.kind === "step-up" && !isFresh(caller, at, each.needs),
      );
      if (stale?.kind === "step-up") return refusal(stepUpProblem({ ...stale.needs, level: null }));
      return { permitted: true, policies };
    }
    case "step-up":
      policies.push(obligationGround(obligationText({ kind: "step-up", needs: decision.needs })));
      return refusal(stepUpProblem(decision.needs));
    case "deny":
      return refusal(problem(decision.reason === "error" ? "policy-unavailable" : "forbidden"));
    default:
      return unreachable(decision);
  }
}

/**
 * Whether data is of the patient in context (SMART App Launch 2.2 §3.0.2): of her whom the app was
 * launched for, in each chart of hers; without a launch, of any whom the person is or acts for.
 */
function contextOf(
  { claims, live }: Caller,
  { pseudonymOf, samePerson }: VisitDeps,
): (compartment: Compartment) => boolean {
  if (claims.patient === null)
    return (compartment) => compartment !== "organisation" && live.patients.has(compartment);
  const launched = pseudonymOf(claims.patient);
  const others = samePerson.othersOf(launched);
  return (compartment) =>
    compartment === launched || others.some((chart) => chart.compartment === compartment);
}

/** Makes visits that ask one authorizer. */
export function createVisits(deps: VisitDeps): BeginVisit {
  const { authorizer } = deps;
  return (caller, facts, at, afterwards) => {
    const isInContext = contextOf(caller, deps);
    const isService = caller.live.roles.includes("service");
    return {
      at,
      facts,
      caller,
      afterwards,
      asker: { practitioner: caller.live.practitioner, at },
      decide: (question) => {
        const { action, type, compartment, content } = question;
        const inContext = isInContext(compartment);
        if (!caller.scopes.allows({ action, type, inContext, isService, content })) {
          const refusal = problem("forbidden", { detail: "The token's scopes do not cover this." });
          return { permitted: false, problem: refusal, policies: ["scope"] };
        }
        if (misstatesOwn(caller, compartment))
          return { permitted: false, problem: problem("forbidden"), policies: ["purpose"] };
        const visited = { caller, facts, at };
        const opening = openingFor(deps, visited, question);
        const request = policyRequest(deps, visited, question, opening);
        return verdictOf(authorizer.decide(request), opening, visited);
      },
    };
  };
}

/** The log entry for one touch; `reasons` defaults to the policies that permitted it. */
export function entryOf(
  { at, facts, caller }: Pick<Visit, "at" | "facts" | "caller">,
  touched: Touch,
  about: Pick<AuditEntry, "decision"> & Partial<Pick<AuditEntry, "reasons" | "signal">>,
): AuditEntry {
  const { claims, live } = caller;
  const { compartment, policies, type, id, version, ...rest } = touched;
  const { role, purpose } = actingAs(caller, compartment);
  const { reasons = policies, ...known } = about;
  return auditEntry({
    purpose: standsOnOpening(policies) ? "BTG" : purpose,
    ...rest,
    time: at,
    ...groundsForLog([...policies, ...reasons]),
    reasons: groundsForLog(reasons).reasons,
    actor: live.account,
    role,
    session: live.session,
    device: live.device,
    client: claims.client,
    zone: facts.zone,
    address: facts.address,
    requestId: facts.requestId,
    patient: compartment === "organisation" ? null : compartment,
    resourceType: type,
    resourceId: id,
    resourceVersion: version,
    ...known,
  });
}
