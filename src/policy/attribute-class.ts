import type { PurposeOfUse, Zone } from "#core/audit-entry.ts";
import type { PersonRole, PolicyAction, PolicyRequest } from "#core/policy-request.ts";

/**
 * All of a request that policies can see. Who the person and the patient are shows only as how they
 * stand to each other, so two requests of one class get the same decision by construction.
 */
export interface AttributeClass {
  /** Sorted, each once. */
  readonly roles: readonly PersonRole[];
  readonly deviceLevel: number;
  readonly zone: Zone;
  readonly purpose: PurposeOfUse;
  readonly action: PolicyAction;
  readonly resource: ResourceClass;
}

export type ResourceClass =
  | {
      readonly kind: "PatientRecord";
      readonly resourceType: string;
      readonly ofCaller: boolean;
      readonly actedFor: boolean;
      readonly inCareTeam: boolean;
      readonly openedInEmergency: boolean;
      readonly ofVisit: boolean;
      /** Sorted, each once. */
      readonly labels: readonly string[];
      readonly forbiddenByConsent: boolean;
    }
  | { readonly kind: "OrganisationRecord"; readonly resourceType: string }
  | { readonly kind: "PatientLog"; readonly ofCaller: boolean; readonly actedFor: boolean }
  | { readonly kind: "SystemLog" }
  | { readonly kind: "AccessRequest"; readonly ofCaller: boolean; readonly actedFor: boolean };

export function attributeClassOf(request: PolicyRequest): AttributeClass {
  return {
    roles: sorted(request.person.roles),
    deviceLevel: request.device.level,
    zone: request.zone,
    purpose: request.purpose,
    action: request.action,
    resource: resourceClassOf(request),
  };
}

const logActions: ReadonlySet<PolicyAction> = new Set([
  "access-log",
  "audit-read",
  "break-glass-review",
]);

const requestActions: ReadonlySet<PolicyAction> = new Set(["access-request", "access-register"]);

function resourceClassOf({ action, person, resource }: PolicyRequest): ResourceClass {
  const { type: resourceType, patient, inCareTeam, openedInEmergency, ofVisit, labels } = resource;
  const { forbiddenByConsent } = resource;
  const ofCaller = patient !== null && person.patients.includes(patient);
  const actedFor = patient !== null && person.actsFor.includes(patient);
  if (logActions.has(action))
    return patient === null ? { kind: "SystemLog" } : { kind: "PatientLog", ofCaller, actedFor };
  if (requestActions.has(action)) return { kind: "AccessRequest", ofCaller, actedFor };
  if (patient === null) return { kind: "OrganisationRecord", resourceType };
  return {
    kind: "PatientRecord",
    resourceType,
    ofCaller,
    actedFor,
    inCareTeam,
    openedInEmergency,
    ofVisit,
    labels: sorted(labels),
    forbiddenByConsent,
  };
}

function sorted<T extends string>(words: readonly T[]): readonly T[] {
  return words.length < 2 ? words : [...new Set(words)].sort();
}

/** One text for each class, and no text for two. */
export function nameOfClass(asked: AttributeClass): string {
  return JSON.stringify(asked);
}
