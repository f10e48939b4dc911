import type { Instant } from "#core/clock.ts";

/** What was done. `signal` entries carry an alarm that the breach part tails. */
export const auditActions = [
  "read",
  "vread",
  "history",
  "search",
  "create",
  "update",
  "delete",
  "transaction",
  "import",
  "export",
  "match",
  "merge",
  "unmerge",
  "access-request",
  /** A chart opened in an emergency, closed again, looked into by an officer. */
  "break-glass",
  "break-glass-close",
  "break-glass-review",
  "package-install",
  "app-change",
  "access-log",
  "sign-in",
  "sign-out",
  "token",
  "enrol",
  "account-change",
  /** What an administrator does with other people's accounts. */
  "administer",
  "unwrap",
  "key-create",
  "key-rotate",
  "key-reseal",
  "key-shred",
  "key-move",
  "key-backup",
  "key-restore",
  "key-escrow",
  "key-reindex",
  "start",
  "signal",
] as const;
export type AuditAction = (typeof auditActions)[number];

/** HL7 v3 PurposeOfUse, the members in use. */
export const purposes = [
  "TREAT",
  "HPAYMT",
  "HOPERAT",
  "PATRQT",
  "PUBHLTH",
  "HRESCH",
  "BTG",
  "SYSADMIN",
] as const;
export type PurposeOfUse = (typeof purposes)[number];

export const zones = ["internet", "clinic", "app", "phi", "keys", "operator"] as const;
export type Zone = (typeof zones)[number];

/** "error": permitted, but it failed (conflict, invalid, damaged): nothing was shown or written. */
export type AuditDecision = "permit" | "deny" | "error";

/**
 * One entry of the log, version 1; a request that touches several patients writes one for each.
 * Holds no PHI: patients by pseudonym, resources by type and opaque id, categories by name.
 * Absent is null, never undefined, so that the canonical bytes have one form.
 */
export interface AuditEntry {
  readonly v: 1;
  /** Milliseconds since the epoch, as the writing process saw it. */
  readonly time: Instant;
  readonly action: AuditAction;
  readonly decision: AuditDecision;
  /** Ids of the Cedar policies that decided, or the problem code of a refusal. */
  readonly reasons: readonly string[];
  /** Account, or `process:<role>` or `operator:<os user>`; null where nobody is known. */
  readonly actor: string | null;
  /**
   * What policy was asked, each class of attributes in the form of policy/class-text.ts, so that it can
   * be asked again under other policies. Empty where policy was not asked.
   */
  readonly decided: readonly string[];
  /** What the decision was bound to, e.g. "review" or "step-up max-age:900". */
  readonly obligations: readonly string[];
  /** Role in which the actor acted, e.g. patient, clinician. */
  readonly role: string | null;
  readonly session: string | null;
  readonly device: string | null;
  /** OAuth client_id. */
  readonly client: string | null;
  readonly zone: Zone | null;
  /** Client address as the gateway saw it. */
  readonly address: string | null;
  readonly purpose: PurposeOfUse | null;
  /** Pseudonym of the patient whose record it is; null when none or the organisation's. */
  readonly patient: string | null;
  readonly resourceType: string | null;
  readonly resourceId: string | null;
  readonly resourceVersion: number | null;
  /** Kinds of data, as the breach part counts them: FHIR resource types and sensitivity labels, sorted. */
  readonly categories: readonly string[];
  /** Resources shown, written or counted. */
  readonly count: number;
  /** Key version under which the touched rows are sealed. */
  readonly dekVersion: number | null;
  /** SHA-256 of the ciphertext written, base64url; proves later that the stored row is the one written. */
  readonly ciphertextHash: string | null;
  readonly requestId: string | null;
  /** An alarm for the breach part, by name; null for all ordinary entries. */
  readonly signal: string | null;
}

/** Fills what an entry leaves out with null or empty: callers name only what they know. */
export function auditEntry(
  known: Pick<AuditEntry, "time" | "action" | "decision"> & Partial<AuditEntry>,
): AuditEntry {
  return {
    v: 1,
    reasons: [],
    decided: [],
    obligations: [],
    actor: null,
    role: null,
    session: null,
    device: null,
    client: null,
    zone: null,
    address: null,
    purpose: null,
    patient: null,
    resourceType: null,
    resourceId: null,
    resourceVersion: null,
    categories: [],
    count: 0,
    dekVersion: null,
    ciphertextHash: null,
    requestId: null,
    signal: null,
    ...known,
  };
}
