import type { OwnPasskey, OwnSession } from "../../../src/core/wire.ts";
import { at, list, number, readEach, text } from "../fhir/json.ts";

export interface ConnectedApp {
  readonly id: string;
  readonly name: string;
  /** In plain words. */
  readonly scopes: readonly string[];
  readonly grantedAt: string | null;
  readonly lastUsedAt: string | null;
}

const itemsOf = <T>(body: unknown, read: (value: unknown) => T | null): readonly T[] | null =>
  Array.isArray(at(body, "items")) ? readEach(list(at(body, "items")), read) : null;

function readPasskey(value: unknown): OwnPasskey | null {
  const id = text(at(value, "id"));
  if (id === null) return null;
  return {
    id,
    name: text(at(value, "name")) ?? "",
    isSynced: at(value, "isSynced") === true,
    createdAt: text(at(value, "createdAt")) ?? "",
    lastUsedAt: text(at(value, "lastUsedAt")),
  };
}

/** Reads GET /api/identity/account/passkeys; null when it is no list. */
export function readPasskeys(body: unknown): readonly OwnPasskey[] | null {
  return itemsOf(body, readPasskey);
}

function readSession(value: unknown): OwnSession | null {
  const id = text(at(value, "id"));
  if (id === null) return null;
  return {
    id,
    deviceName: text(at(value, "deviceName")),
    deviceKind: at(value, "deviceKind") === "kiosk" ? "kiosk" : "browser",
    lastPlace: text(at(value, "lastPlace")),
    lastZone: text(at(value, "lastZone")),
    lastSeenAt: text(at(value, "lastSeenAt")) ?? "",
    signedInAt: text(at(value, "signedInAt")),
    apps: readEach(list(at(value, "apps")), text),
    isThis: at(value, "isThis") === true,
  };
}

/** Reads GET /api/identity/account/sessions, this session first; null when it is no list. */
export function readSessions(body: unknown): readonly OwnSession[] | null {
  const sessions = itemsOf(body, readSession);
  return sessions?.toSorted((a, b) => Number(b.isThis) - Number(a.isThis)) ?? null;
}

function readApp(value: unknown): ConnectedApp | null {
  const id = text(at(value, "id"));
  if (id === null) return null;
  return {
    id,
    name: text(at(value, "clientName")) ?? id,
    scopes: readEach(list(at(value, "scopes")), (scope) => text(at(scope, "words"))),
    grantedAt: text(at(value, "grantedAt")),
    lastUsedAt: text(at(value, "lastUsedAt")),
  };
}

/** Reads GET /api/identity/account/apps; null when it is no list. */
export function readApps(body: unknown): readonly ConnectedApp[] | null {
  return itemsOf(body, readApp);
}

/** Reads GET /api/identity/account/recovery-codes: how many are left. */
export function readCodesLeft(body: unknown): number | null {
  return number(at(body, "left"));
}

/** Reads POST /api/identity/account/recovery-codes; null when there is not one code. */
export function readCodes(body: unknown): readonly string[] | null {
  const codes = readEach(list(at(body, "codes")), text);
  return codes.length === 0 ? null : codes;
}
