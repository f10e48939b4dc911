import { laterBy, toIso, type Clock } from "#core/clock.ts";
import { parseAccountId, parseResourceId, type ResourceId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import type { Account } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import type { Act } from "#identity/calls/calls.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { kioskLimits } from "#identity/kiosk/limits.ts";
import { insertTicket } from "#identity/kiosk/ticket-store.ts";
import { newCode } from "#identity/people/paper-code.ts";
import type { Database } from "#storage/database.ts";

export interface HandOverDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
}

function idOf(body: JsonObject, name: string): ResourceId | null {
  const value = body[name];
  return typeof value === "string" ? parseResourceId(value) : null;
}

type Standing = { readonly handedBy: ResourceId | null } | null;

/**
 * A patient hands over her own visit, to whichever kiosk she types the code at; a clinician hands
 * over to one that she names. Whether the clinician cares for the patient is asked when the answers
 * are handed in: this process knows no care team.
 */
function standingOf(account: Account, patient: ResourceId, namesKiosk: boolean): Standing {
  const { roles, patients, practitioner } = account;
  if (!namesKiosk)
    return roles.includes("patient") && patients.includes(patient) ? { handedBy: null } : null;
  return roles.includes("clinician") && practitioner !== null ? { handedBy: practitioner } : null;
}

/** Takes `{ patient, visit, kiosk? }`, FHIR ids of a Patient and an Encounter: `{ code, expiresAt }`. */
export const handOver =
  ({ db, clock, random, blind }: HandOverDeps): Act =>
  async ({ account, request }) => {
    const { body } = request;
    const patient = idOf(body, "patient");
    if (patient === null) return problemAnswer(problem("parameter-invalid", { at: "patient" }));
    const visit = idOf(body, "visit");
    if (visit === null) return problemAnswer(problem("parameter-invalid", { at: "visit" }));
    const { kiosk: named } = body;
    const kiosk = typeof named === "string" ? parseAccountId(named) : null;
    if (named !== undefined && kiosk === null)
      return problemAnswer(problem("parameter-invalid", { at: "kiosk" }));
    const standing = standingOf(account, patient, kiosk !== null);
    if (standing === null) return problemAnswer(problem("forbidden"));
    const now = clock.now();
    const expiresAt = laterBy(now, kioskLimits.ticketMs);
    const code = newCode(random, kioskLimits.ticketCodeChars);
    const stored = await insertTicket(db, {
      codeBlind: blind("kiosk-ticket", code),
      kiosk,
      patient,
      visit,
      ...standing,
      madeBy: account.id,
      now,
      expiresAt,
      most: kioskLimits.waitingTickets,
    });
    if (!stored) return problemAnswer(problem("not-found", { at: "kiosk" }));
    return answer({ code: `${code.slice(0, 4)}-${code.slice(4)}`, expiresAt: toIso(expiresAt) });
  };
