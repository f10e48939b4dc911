import { at, list, number, readEach, text } from "../fhir/json.ts";

export interface Passkey {
  readonly id: string;
  readonly name: string | null;
  readonly createdAt: string | null;
  readonly lastUsedAt: string | null;
}

/** One sign-in on one device. */
export interface Stay {
  readonly id: string;
  readonly deviceName: string | null;
  readonly lastPlace: string | null;
  readonly lastSeenAt: string | null;
  /** Whether it is the one that asks. */
  readonly isThis: boolean;
}

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

function readPasskey(value: unknown): Passkey | null {
  const id = text(at(value, "id"));
  if (id === null) return null;
  return {
    id,
    name: text(at(value, "name")),
    createdAt: text(at(value, "createdAt")),
    lastUsedAt: text(at(value, "lastUsedAt")),
  };
}

/** Reads GET /api/identity/account/passkeys; null when it is no list. */
export function readPasskeys(body: unknown): readonly Passkey[] | null {
  return itemsOf(body, readPasskey);
}

function readStay(value: unknown): Stay | null {
  const id = text(at(value, "id"));
  if (id === null) return null;
  return {
    id,
    deviceName: text(at(value, "deviceName")),
    lastPlace: text(at(value, "lastPlace")),
    lastSeenAt: text(at(value, "lastSeenAt")),
    isThis: at(value, "isThis") === true,
  };
}

/** Reads GET /api/identity/account/sessions, this session first; null when it is no list. */
export function readStays(body: unknown): readonly Stay[] | null {
  const stays = itemsOf(body, readStay);
  return stays?.toSorted((a, b) => Number(b.isThis) - Number(a.isThis)) ?? null;
}

function readApp(value: unknown): ConnectedApp | null {
  const id = text(at(value, "id"));
  if (id === null) return null;
  return {
    id,
    name: text(at(value, "clientName")) ?? id,
    scopes: readEach(list(at(value, "scopes")), text),
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
