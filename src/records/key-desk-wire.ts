import type { AuditAction, AuditDecision } from "#core/audit-entry.ts";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { operatorName } from "#records/operator.ts";
import { parseCompartment, type Compartment } from "#vault/vault.ts";

export const keyDeskLimits = {
  /** Compartments that one request seals anew. */
  resealPerRequest: 500,
  compartmentsPerRequest: 100_000,
  reasons: 20,
  reasonCharacters: 200,
} as const;

export interface ResealAsked {
  /** Null for every compartment that has a key. */
  readonly patients: readonly Compartment[] | null;
  /** The `next` of the answer before. */
  readonly after: Compartment | null;
  readonly limit: number;
}

export interface EvictAsked {
  readonly compartments: readonly Compartment[] | null;
}

export interface EventAsked {
  readonly action: AuditAction;
  readonly decision: AuditDecision;
  readonly actor: string;
  readonly patient: Pseudonym | null;
  readonly reasons: readonly string[];
  readonly count: number;
  readonly signal: string | null;
}

const eventActions = [
  "key-rotate",
  "key-reseal",
  "key-shred",
  "key-move",
  "key-backup",
  "key-restore",
  "key-escrow",
  "signal",
] as const satisfies readonly AuditAction[];
const decisions = ["permit", "deny", "error"] as const satisfies readonly AuditDecision[];

const signalName = /^[a-z0-9-]{1,64}$/;
const printable = /^[\u0020-\u007e\u00a0-\uffff]+$/;

/** Undefined when the value is neither null nor a list of compartments. */
function compartmentsIn(value: unknown): readonly Compartment[] | null | undefined {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length > keyDeskLimits.compartmentsPerRequest)
    return undefined;
  const found = value.map((item) => (typeof item === "string" ? parseCompartment(item) : null));
  const compartments = found.filter((each) => each !== null);
  return compartments.length === found.length ? compartments : undefined;
}

export function parseResealAsked(value: unknown): ResealAsked | null {
  if (!isRecord(value)) return null;
  const { after = null, limit } = value;
  const patients = compartmentsIn(value["patients"]);
  if (patients === undefined || typeof limit !== "number" || !Number.isInteger(limit)) return null;
  const from = typeof after === "string" ? parseCompartment(after) : null;
  if ((after !== null && from === null) || limit < 1) return null;
  return { patients, after: from, limit: Math.min(limit, keyDeskLimits.resealPerRequest) };
}

export function parseEvictAsked(value: unknown): EvictAsked | null {
  const compartments = isRecord(value) ? compartmentsIn(value["compartments"]) : undefined;
  return compartments === undefined ? null : { compartments };
}

function reasonsIn(value: unknown): readonly string[] | null {
  if (!Array.isArray(value) || value.length > keyDeskLimits.reasons) return null;
  const { reasonCharacters } = keyDeskLimits;
  const reasons = value.filter(
    (item) => typeof item === "string" && item.length <= reasonCharacters && printable.test(item),
  );
  return reasons.length === value.length ? reasons : null;
}

export function parseEventAsked(value: unknown): EventAsked | null {
  if (!isRecord(value)) return null;
  const { patient = null, count = 0, signal = null, actor, decision = "permit" } = value;
  const action = eventActions.find((known) => known === value["action"]);
  const decided = decisions.find((known) => known === decision);
  const reasons = reasonsIn(value["reasons"] ?? []);
  const whose = typeof patient === "string" ? parsePseudonym(patient) : null;
  if (action === undefined || decided === undefined || reasons === null) return null;
  if (patient !== null && whose === null) return null;
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 0) return null;
  if (signal !== null && (typeof signal !== "string" || !signalName.test(signal))) return null;
  const [kind, name = ""] = typeof actor === "string" ? actor.split(":", 2) : [];
  if (typeof actor !== "string" || kind !== "operator" || !operatorName.test(name)) return null;
  return {
    action,
    decision: decided,
    actor: `operator:${name}`,
    patient: whose,
    reasons,
    count,
    signal,
  };
}

export function parsePseudonymAsked(value: unknown): { readonly patient: string } | null {
  const patient = isRecord(value) ? value["patient"] : null;
  return typeof patient === "string" ? { patient } : null;
}
