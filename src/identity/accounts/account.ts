import type { Clock, Instant } from "#core/clock.ts";
import type { AccountId, ResourceId } from "#core/ids.ts";
import { parseAccountId, parseResourceId } from "#core/ids.ts";
import { personRoles, type PersonRole } from "#core/policy-request.ts";
import { invariant } from "#core/result.ts";
import { findAccountRows, type AccountRow } from "#identity/accounts/account-store.ts";
import { coalesce } from "#identity/coalesce.ts";
import { openText } from "#identity/sealed.ts";
import type { Sealer } from "#vault/sealer.ts";
import type { Queryable } from "#storage/database.ts";

/** A person's own; one that lies sealed in an envelope until it is needed; a service's. */
export const accountKinds = ["person", "service", "break-glass"] as const;
export type AccountKind = (typeof accountKinds)[number];

/** How surely the account is this very person's (NIST SP 800-63A §4); "none": nobody has looked yet. */
export const assurances = ["none", "IAL1", "IAL2", "IAL3"] as const;
export type Assurance = (typeof assurances)[number];

export type AccountStatus = "active" | "suspended" | "sealed" | "closed";

export interface Account {
  readonly id: AccountId;
  readonly kind: AccountKind;
  readonly displayName: string;
  /** At least one. */
  readonly roles: readonly PersonRole[];
  /** FHIR ids of the person's own Patient resources; for whom else she acts is in people/grant.ts. */
  readonly patients: readonly ResourceId[];
  readonly practitioner: ResourceId | null;
  /** BCP 47 tag; null when the person chose none. */
  readonly language: string | null;
  /** Where in the organisation the person works. */
  readonly departments: readonly string[];
  readonly assurance: Assurance;
}

/** Finds an account that may sign in: null when there is none, or it is closed. */
export type FindAccount = (id: AccountId) => Promise<Account | null>;

export const displayNamePurpose = (id: AccountId): string => `account-name:${id}`;

const ownRoles: ReadonlySet<PersonRole> = new Set(["patient", "proxy"]);

/** Whether somebody with these roles works here: sees records that are nobody's of her own. */
export const isWorkforce = (roles: readonly PersonRole[]): boolean =>
  roles.some((role) => !ownRoles.has(role));

/** The FHIR resource that the person is: the `fhirUser` claim of SMART App Launch 2.2 §6.1; null when none. */
export function fhirUserOf(account: Account, fhirBase: string): string | null {
  if (account.practitioner !== null) return `${fhirBase}/Practitioner/${account.practitioner}`;
  const [patient] = account.roles.includes("patient") ? account.patients : [];
  return patient === undefined ? null : `${fhirBase}/Patient/${patient}`;
}

/** Opens what is stored of an account, whatever its status. Throws BrokenInvariant when it was altered. */
export function openAccount(row: AccountRow, sealer: Sealer): Account {
  const id = parseAccountId(row.id);
  invariant(id !== null, "an account's id is no uuid");
  return {
    id,
    kind: accountKinds.find((kind) => kind === row.kind) ?? "person",
    departments: row.departments,
    assurance: assurances.find((level) => level === row.assurance) ?? "none",
    displayName: openText(sealer, displayNamePurpose(id), row.displayName),
    roles: personRoles.filter((role) => row.roles.includes(role)),
    patients: row.patients.flatMap((patient) => parseResourceId(patient) ?? []),
    practitioner: row.practitioner === null ? null : parseResourceId(row.practitioner),
    language: row.language,
  };
}

/** Whether the account may be used at this moment. */
const isOpen = ({ status, openedUntil }: AccountRow, now: Instant): boolean =>
  status === "active" && (openedUntil === null || openedUntil > now);

export function createFindAccount(db: Queryable, sealer: Sealer, clock: Clock): FindAccount {
  const find = coalesce(async (ids: readonly AccountId[]) => {
    const rows = new Map((await findAccountRows(db, ids)).map((row) => [row.id, row]));
    return ids.map((id) => rows.get(id) ?? null);
  });
  return async (id) => {
    const row = await find(id);
    return row === null || !isOpen(row, clock.now()) ? null : openAccount(row, sealer);
  };
}
