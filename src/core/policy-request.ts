import type { PurposeOfUse, Zone } from "#core/audit-entry.ts";

export const personRoles = [
  "patient",
  "proxy",
  "clinician",
  "privacy-officer",
  "security-operator",
  "administrator",
  "service",
  /** A clinic's tablet, which has no person of its own. */
  "kiosk",
] as const;
export type PersonRole = (typeof personRoles)[number];

/** The roles that a person can be given: accounts of services and kiosks are made where those are. */
export const peoplesRoles = personRoles.filter((role) => role !== "service" && role !== "kiosk");

export const policyActions = [
  "read",
  "search",
  "history",
  "create",
  "update",
  "delete",
  /** Taking a sensitivity label off, for a reason that is written down. */
  "relabel",
  "access-log",
  "audit-read",
  "import",
  /** Taking a copy of a record away, as far as it is the person's to have. */
  "export",
  /** Seeing that a Patient may be the person asked about. */
  "match",
  /** Deciding that two charts are one person's, or that they are not. */
  "merge",
  /** Asking for access to a record (45 CFR 164.524) and seeing how one's own requests stand. */
  "access-request",
  /** Keeping the register of such requests: seeing all, deciding. */
  "access-register",
  /** Opening the chart of a patient of others in an emergency. */
  "break-glass",
  /** Seeing who opened whose chart so, and recording what is found. */
  "break-glass-review",
] as const;
export type PolicyAction = (typeof policyActions)[number];

/** The one question put to policy; identity, records and gateway each know a part of it. */
export interface PolicyRequest {
  readonly tenant: string;
  readonly person: {
    readonly account: string;
    readonly roles: readonly PersonRole[];
    /** Pseudonyms of the person's own charts. */
    readonly patients: readonly string[];
    /** Pseudonyms of the patients for whom the person may act now. */
    readonly actsFor: readonly string[];
  };
  readonly session: { readonly id: string };
  readonly device: { readonly id: string; readonly level: number };
  readonly client: { readonly id: string };
  readonly zone: Zone;
  readonly purpose: PurposeOfUse;
  readonly action: PolicyAction;
  readonly resource: {
    readonly type: string;
    /** Pseudonym of the compartment's patient; null for the organisation's own resources. */
    readonly patient: string | null;
    /** Whether the person stands in the patient's care team now. */
    readonly inCareTeam: boolean;
    /** Whether the person has the patient's chart open in an emergency now. */
    readonly openedInEmergency: boolean;
    /** Whether it belongs to the one visit that was handed to the kiosk that asks. */
    readonly ofVisit: boolean;
    /** Sensitivity labels, sorted. */
    readonly labels: readonly string[];
    /** Whether a Consent of the patient's forbids this; false for the organisation's own. */
    readonly forbiddenByConsent: boolean;
  };
}

/** What a more careful sign-in must have to be enough (RFC 9470 §3). Null: that does not matter. */
export interface StepUp {
  /** Least level of the device. */
  readonly level: number | null;
  /** How long ago the person may have signed in at most. */
  readonly maxAgeSeconds: number | null;
}

/** What a permit is bound to: whoever asked must see to it, or take the permit for a denial. */
export type Obligation =
  | { readonly kind: "step-up"; readonly needs: StepUp }
  /** The log entry is for the privacy officer to look into. */
  | { readonly kind: "review" };

/** `asked` is the class of attributes that was decided, in the form of policy/class-text.ts; empty for an error. */
export type PolicyDecision = {
  /** Ids of the policies that decided, those that oblige among them. */
  readonly policies: readonly string[];
  readonly asked: string;
} & (
  | { readonly effect: "permit"; readonly obligations: readonly Obligation[] }
  /** Denied on this device; one of the level that is named would be let in. */
  | { readonly effect: "step-up"; readonly needs: StepUp }
  /** `reason` "error" stands for any diagnostic: a policy that could not be evaluated denies. */
  | { readonly effect: "deny"; readonly reason: "forbidden" | "no-permit" | "error" }
);
