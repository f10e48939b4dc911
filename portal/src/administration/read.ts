import type { Me } from "../../../src/core/wire.ts";
import { at, list, readEach, text } from "../fhir/json.ts";
import { readGrants, type Grant } from "../account/grants.ts";
import { roles } from "../session/roles.ts";

const statuses = ["active", "suspended", "left", "sealed", "opened", "to-be-sealed"] as const;
const assurances = ["none", "IAL1", "IAL2", "IAL3"] as const;

/** An account as an administrator sees it. */
export interface Person {
  readonly id: string;
  readonly isEnvelope: boolean;
  readonly displayName: string;
  readonly roles: Me["roles"];
  readonly departments: readonly string[];
  /** NIST SP 800-63A. */
  readonly assurance: (typeof assurances)[number];
  readonly status: (typeof statuses)[number];
  readonly createdAt: string;
}

export interface WholePerson extends Person {
  readonly actsFor: readonly Grant[];
  readonly actedForBy: readonly Grant[];
  /** Whether the person has something to sign in with: then no invitation is given any more. */
  readonly isEnrolled: boolean;
}

export interface PeoplePage {
  readonly items: readonly Person[];
  /** Where the next page goes on; null at the end. */
  readonly next: string | null;
}

function readPerson(value: unknown): Person | null {
  const id = text(at(value, "id"));
  const status = statuses.find((known) => known === at(value, "status"));
  if (id === null || status === undefined) return null;
  return {
    id,
    status,
    isEnvelope: at(value, "kind") === "break-glass",
    displayName: text(at(value, "displayName")) ?? "",
    roles: roles.filter((role) => list(at(value, "roles")).includes(role)),
    departments: readEach(list(at(value, "departments")), text),
    assurance: assurances.find((known) => known === at(value, "assurance")) ?? "none",
    createdAt: text(at(value, "createdAt")) ?? "",
  };
}

/** Reads POST /api/identity/admin/people/search; null when it is no page. */
export function readPeople(body: unknown): PeoplePage | null {
  const items = at(body, "items");
  if (!Array.isArray(items)) return null;
  return { items: readEach(list(items), readPerson), next: text(at(body, "next")) };
}

/** Reads GET /api/identity/admin/people/:id. */
export function readWholePerson(body: unknown): WholePerson | null {
  const person = readPerson(body);
  const grants = readGrants({
    forMe: list(at(body, "actedForBy")),
    byMe: list(at(body, "actsFor")),
  });
  if (person === null || grants === null) return null;
  return {
    ...person,
    actsFor: grants.byMe,
    actedForBy: grants.forMe,
    isEnrolled: at(body, "isEnrolled") === true,
  };
}

/** A way back that the staff began for a person: the path of its link, told this one time. */
export interface StaffRecovery {
  readonly path: string;
  readonly readyAt: string;
}

/** Reads POST /api/identity/admin/people/:id/recovery; null when it holds no link of ours. */
export function readStaffRecovery(body: unknown): StaffRecovery | null {
  const path = text(at(body, "recoveryPath"));
  const readyAt = text(at(body, "readyAt"));
  if (path === null || readyAt === null || !path.startsWith("/recovery#")) return null;
  return { path, readyAt };
}

const appStatuses = ["pending", "approved", "revoked"] as const;
const kinds = ["public", "confidential", "backend"] as const;
const bindings = ["dpop", "bearer"] as const;

/** A client of the sign-in service. */
export interface RegisteredApp {
  readonly id: string;
  readonly name: string;
  readonly kind: (typeof kinds)[number];
  readonly binding: (typeof bindings)[number];
  readonly status: (typeof appStatuses)[number];
  readonly redirectUris: readonly string[];
  readonly scopes: readonly string[];
  readonly registeredAt: string;
}

/** Null when it does not say of what kind it is or whether it may do anything. */
export function readRegisteredApp(value: unknown): RegisteredApp | null {
  const id = text(at(value, "id"));
  const kind = kinds.find((known) => known === at(value, "kind"));
  const binding = bindings.find((known) => known === at(value, "binding"));
  const status = appStatuses.find((known) => known === at(value, "status"));
  if (id === null || kind === undefined || binding === undefined || status === undefined)
    return null;
  return {
    id,
    kind,
    binding,
    status,
    name: text(at(value, "name")) ?? id,
    redirectUris: readEach(list(at(value, "redirectUris")), text),
    scopes: readEach(list(at(value, "scopes")), text),
    registeredAt: text(at(value, "registeredAt")) ?? "",
  };
}

/** Reads GET /api/identity/admin/apps, those that wait first; null when it is no list. */
export function readRegisteredApps(body: unknown): readonly RegisteredApp[] | null {
  const items = at(body, "items");
  if (!Array.isArray(items)) return null;
  const rank = ({ status }: RegisteredApp): number => appStatuses.indexOf(status);
  return readEach(list(items), readRegisteredApp).toSorted((a, b) => rank(a) - rank(b));
}
