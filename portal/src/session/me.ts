import type { Me } from "../../../src/core/wire.ts";
import { at, list, number, readEach, text } from "../fhir/json.ts";
import { roles } from "./roles.ts";

/** Reads GET /api/identity/me; null when it says nothing of who this is or when the session ends. */
export function readMe(value: unknown): Me | null {
  const account = text(at(value, "account"));
  const sessionEndsAt = text(at(value, "sessionEndsAt"));
  const idleMs = number(at(value, "idleMs"));
  if (account === null || sessionEndsAt === null || idleMs === null) return null;
  if (Number.isNaN(Date.parse(sessionEndsAt))) return null;
  return {
    account,
    displayName: text(at(value, "displayName")) ?? "",
    roles: roles.filter((role) => list(at(value, "roles")).includes(role)),
    patients: readEach(list(at(value, "patients")), text),
    actsFor: readEach(list(at(value, "actsFor")), text),
    practitioner: text(at(value, "practitioner")),
    language: text(at(value, "language")),
    sessionEndsAt,
    idleMs,
  };
}

/** Someone with a record of their own or of somebody they care for. */
export function hasRecord(me: Me): boolean {
  return me.patients.length > 0 && (me.roles.includes("patient") || me.roles.includes("proxy"));
}

/**
 * FHIR id of the person's own record that a device of hers may keep a summary of; null for whoever works
 * here, and for one who only acts for others.
 */
export function ownRecord({ roles, patients, actsFor }: Me): string | null {
  const isOnlyPatient = roles.every((role) => role === "patient" || role === "proxy");
  if (!isOnlyPatient || !roles.includes("patient")) return null;
  return patients.find((patient) => !actsFor.includes(patient)) ?? null;
}

export function isClinician(me: Me): boolean {
  return me.roles.includes("clinician");
}

export function guardsTheLog(me: Me): boolean {
  return me.roles.includes("privacy-officer") || me.roles.includes("security-operator");
}

export function administers(me: Me): boolean {
  return me.roles.includes("administrator");
}

/** Who keeps the register of those who ask for their record. */
export function keepsRegister(me: Me): boolean {
  return me.roles.includes("privacy-officer");
}
