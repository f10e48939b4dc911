import { toIso, type Instant } from "#core/clock.ts";
import type { PersonOfAdministration, ProxyGrant } from "#core/wire.ts";
import { openAccount } from "#identity/accounts/account.ts";
import type { AccountRow } from "#identity/accounts/account-store.ts";
import { holds, type Grant } from "#identity/people/grant.ts";
import type { Sealer } from "#vault/sealer.ts";

type Shown = PersonOfAdministration["status"];

/** An account whose envelope was opened serves for some hours and is then of no use until sealed anew. */
function statusOf({ status, openedUntil }: AccountRow, now: Instant): Shown {
  if (status === "active") {
    if (openedUntil === null) return "active";
    return openedUntil > now ? "opened" : "to-be-sealed";
  }
  if (status === "suspended" || status === "sealed") return status;
  return "left";
}

/** What an administrator is shown of an account. */
export function shownPerson(row: AccountRow, sealer: Sealer, now: Instant): PersonOfAdministration {
  const account = openAccount(row, sealer);
  return {
    id: account.id,
    kind: account.kind,
    displayName: account.displayName,
    roles: account.roles,
    departments: account.departments,
    assurance: account.assurance,
    status: statusOf(row, now),
    createdAt: toIso(row.createdAt),
  };
}

/** A grant as one of the two people concerned is shown it, with the name of the other. */
export function shownGrant(grant: Grant, name: string | null, now: Instant): ProxyGrant {
  const state = holds(grant, now) ? "active" : grant.startsAt > now ? "to-come" : "ended";
  return {
    id: grant.id,
    name,
    kind: grant.ground.basis,
    patient: grant.patient,
    startsAt: toIso(grant.startsAt),
    endsAt: grant.endsAt === null ? null : toIso(grant.endsAt),
    state,
  };
}
