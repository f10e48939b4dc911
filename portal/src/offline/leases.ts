import type { OfflineLease, OfflineLeaseGiven } from "../../../src/core/wire.ts";
import { ask } from "../api/ask.ts";
import { createAskJson, type Asking } from "../api/ask-json.ts";
import type { Outcome } from "../api/failure.ts";
import { at, list, readEach, text } from "../fhir/json.ts";

/** What the portal asks of the identity service about leases. */
export interface Leases {
  readonly give: (patient: string) => Promise<Outcome<OfflineLeaseGiven>>;
  readonly renew: (lease: string) => Promise<Outcome<OfflineLeaseGiven>>;
  readonly end: (lease: string) => Promise<Outcome<null>>;
  /** Hers on all her devices. */
  readonly all: (signal?: AbortSignal) => Promise<Outcome<readonly OfflineLease[]>>;
}

const base = "/api/identity/account/offline-leases";

function readGiven(body: unknown): OfflineLeaseGiven | null {
  const [id, patient, key] = ["id", "patient", "key"].map((name) => text(at(body, name)));
  const [now, endsAt] = ["now", "endsAt"].map((name) => text(at(body, name)));
  if (!id || !patient || !key || !now || !endsAt) return null;
  if (Number.isNaN(Date.parse(now)) || Number.isNaN(Date.parse(endsAt))) return null;
  return { id, patient, key, now, endsAt };
}

function readLease(value: unknown): OfflineLease | null {
  const [id, device, patient] = ["id", "device", "patient"].map((name) => text(at(value, name)));
  const times = ["givenAt", "renewedAt", "endsAt"].map((name) => text(at(value, name)));
  const [givenAt, renewedAt, endsAt] = times;
  if (!id || !device || !patient || !givenAt || !renewedAt || !endsAt) return null;
  return { id, device, patient, givenAt, renewedAt, endsAt, isThis: at(value, "isThis") === true };
}

const readLeases = (body: unknown): readonly OfflineLease[] | null =>
  Array.isArray(at(body, "items")) ? readEach(list(at(body, "items")), readLease) : null;

export function createLeases(session: Asking): Leases {
  const { get, post, send } = createAskJson(session);
  const one = (lease: string): string => `${base}/${encodeURIComponent(lease)}`;
  return {
    give: (patient) => post(one(crypto.randomUUID()), { patient }, readGiven),
    renew: (lease) => post(`${one(lease)}/renew`, {}, readGiven),
    all: (signal) => get(base, readLeases, signal),
    end: (lease) => send("DELETE", one(lease)),
  };
}

/** Whether a lease has ended on the server; asked as nobody. Null when no answer came. */
export async function hasEnded(lease: string): Promise<boolean | null> {
  const answer = await ask("POST", "/api/identity/offline-lease", { lease });
  const ended = answer.ok ? at(answer.value, "ended") : null;
  return typeof ended === "boolean" ? ended : null;
}
