import { toIso, type Clock } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { displayNamePurpose, openAccount } from "#identity/accounts/account.ts";
import { findAccountRow } from "#identity/accounts/account-store.ts";
import type { Blind } from "#identity/blind.ts";
import type { ClientRegistry } from "#identity/clients/registry.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import { findGrantsFor, findGrantsOf, holdAccount } from "#identity/people/grant-store.ts";
import { openGrant } from "#identity/people/grant.ts";
import { makeEnvelope } from "#identity/people/invitation.ts";
import { isNamed, nameBlind } from "#identity/people/name-index.ts";
import {
  findEnrolled,
  changeAccountRow,
  dropKeys,
  dropRights,
  findPeopleRows,
  setStatus,
} from "#identity/people/people-store.ts";
import { parsePersonChange } from "#identity/people/person-request.ts";
import { shownGrant, shownPerson } from "#identity/people/person.ts";
import { sealText } from "#identity/sealed.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface AdministerDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly sessions: Pick<Sessions, "endAccount">;
  readonly clients: Pick<ClientRegistry, "revokeOwnedBy">;
  readonly parentEndsAtAge: number;
}

/** What is done to one account, and whose administrator does it. */
export interface Deed {
  /** Null: an operator's command. */
  readonly by: AccountId | null;
  readonly id: AccountId;
}

const operator = "operator";
export const personNotFound = problemAnswer(problem("not-found"));
export const notOneself = problemAnswer(
  problem("forbidden", { detail: "Nobody does this to an account of their own." }),
);

/** `{ name?, after? }` → `{ items, next }`, newest first. */
export async function searchPeople(deps: AdministerDeps, body: JsonObject): Promise<Answer> {
  const { name = "", after = null } = body;
  if (typeof name !== "string" || name.length > identityLimits.displayNameChars)
    return problemAnswer(problem("parameter-invalid", { at: "name" }));
  const from = typeof after === "string" ? parseAccountId(after) : null;
  if (after !== null && from === null)
    return problemAnswer(problem("parameter-invalid", { at: "after" }));
  const { peopleLookedAt, peoplePerPage } = identityLimits;
  const asked = { nameBlind: nameBlind(deps.blind, name), after: from };
  const limit = name === "" ? peoplePerPage : peopleLookedAt;
  const rows = await findPeopleRows(deps.db, { ...asked, limit });
  const now = deps.clock.now();
  const found = rows
    .map((row) => shownPerson(row, deps.sealer, now))
    .filter(({ displayName }) => isNamed(displayName, name));
  const items = found.slice(0, peoplePerPage);
  const isMore = found.length > items.length || rows.length === limit;
  const last = found.length > items.length ? items.at(-1) : rows.at(-1);
  return answer({ items, next: isMore ? (last?.id ?? null) : null });
}

/** One person, with for whom she acts and who acts for her. */
export async function showPerson(deps: AdministerDeps, id: AccountId): Promise<Answer> {
  const row = await findAccountRow(deps.db, id);
  if (row === null) return personNotFound;
  const now = deps.clock.now();
  const { patients, practitioner } = openAccount(row, deps.sealer);
  const max = identityLimits.grantsPerAccount;
  const own = await findGrantsOf(deps.db, id, now, max);
  const others = await findGrantsFor(deps.db, patients, now, max);
  const shown = (grants: typeof own, side: "patientName" | "proxyName") =>
    grants
      .map((grant) => openGrant(deps, grant))
      .map((grant) => shownGrant(grant, grant[side], now));
  return answer({
    ...shownPerson(row, deps.sealer, now),
    patients,
    practitioner,
    actsFor: shown(own, "patientName"),
    actedForBy: shown(others, "proxyName"),
    isEnrolled: (await findEnrolled(deps.db, [id])).has(id),
  });
}

/** Takes what parsePersonChange takes; what is absent stays as it is. */
export async function changePerson(
  deps: AdministerDeps,
  { by, id }: Deed,
  body: JsonObject,
): Promise<Answer> {
  const change = parsePersonChange(body);
  if (!change.ok) return problemAnswer(change.problem);
  const { displayName, roles, departments, suspended, proofing } = change.value;
  const isStanding = roles !== null || suspended !== null || proofing !== null;
  if (id === by && isStanding) return notOneself;
  const { sealer, blind, db, clock } = deps;
  const seen =
    proofing === null
      ? null
      : JSON.stringify({ ...proofing, by: by ?? operator, at: toIso(clock.now()) });
  const isDone = await db.transaction(async (tx) => {
    const changed = await changeAccountRow(tx, id, {
      displayNameSealed:
        displayName === null ? null : sealText(sealer, displayNamePurpose(id), displayName),
      nameBlind: displayName === null ? null : nameBlind(blind, displayName),
      roles,
      departments,
      assurance: proofing?.assurance ?? null,
      proofingSealed: seen === null ? null : sealText(sealer, `proofing:${id}`, seen),
      status: suspended === null ? null : suspended ? "suspended" : "active",
    });
    // With other rights come other limits of the session; who is suspended has none.
    if (changed && (roles !== null || suspended === true)) await deps.sessions.endAccount(id, tx);
    return changed;
  });
  return isDone ? showPerson(deps, id) : personNotFound;
}

/** Everything that the person could get in by is gone at once; what she did stays in the log. */
export async function leavePerson(deps: AdministerDeps, { by, id }: Deed): Promise<Answer> {
  if (id === by) return notOneself;
  const now = deps.clock.now();
  return deps.db.transaction(async (tx) => {
    await holdAccount(tx, id);
    if (!(await setStatus(tx, id, "closed"))) return personNotFound;
    await dropKeys(tx, id, now);
    await dropRights(tx, id, now);
    await deps.sessions.endAccount(id, tx);
    await deps.clients.revokeOwnedBy(tx, id, by ?? operator);
    return answer({ left: true });
  });
}

/** Puts a break-glass account back into an envelope: InvitationMade of core/wire.ts, with a new code. */
export async function sealPerson(deps: AdministerDeps, { by, id }: Deed): Promise<Answer> {
  if (id === by) return notOneself;
  const row = await findAccountRow(deps.db, id);
  if (row === null) return personNotFound;
  const made = await deps.db.transaction(async (tx) => {
    await holdAccount(tx, id);
    if (!(await setStatus(tx, id, "sealed"))) return null;
    await dropKeys(tx, id, deps.clock.now());
    await deps.sessions.endAccount(id, tx);
    return makeEnvelope(tx, id, by, deps);
  });
  const { displayName } = openAccount(row, deps.sealer);
  return made === null ? personNotFound : answer({ ...made, id, displayName });
}
