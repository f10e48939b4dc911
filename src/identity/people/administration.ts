import { toIso, type Clock, type Instant } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { displayNamePurpose, openAccount } from "#identity/accounts/account.ts";
import { findAccountRow } from "#identity/accounts/account-store.ts";
import type { Blind } from "#identity/blind.ts";
import type { Call, CallHandler, Calls, Deed } from "#identity/calls/calls.ts";
import type { ClientRegistry } from "#identity/clients/registry.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import { insertPerson } from "#identity/operator/accounts.ts";
import { parseBirthDate, type BirthDate } from "#identity/people/birth-date.ts";
import { findGrantsFor, findGrantsOf, holdAccount } from "#identity/people/grant-store.ts";
import { actAnew, openGrant } from "#identity/people/grant.ts";
import { parseGrant, storeGrant } from "#identity/people/granting.ts";
import { makeEnvelope, makeInvitation } from "#identity/people/invitation.ts";
import { isNamed, nameBlind } from "#identity/people/name-index.ts";
import {
  addProxyRole,
  changeAccountRow,
  dropKeys,
  dropRights,
  findEnrolled,
  findPeopleRows,
  setStatus,
} from "#identity/people/people-store.ts";
import { parsePersonChange, parsePersonWish } from "#identity/people/person-request.ts";
import { shownGrant, shownPerson } from "#identity/people/person.ts";
import { endGrantOf, parseGrantId } from "#identity/people/proxies.ts";
import { sealText } from "#identity/sealed.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Trail } from "#identity/trail.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface AdministrationDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  /** Of administrators alone. */
  readonly calls: Calls;
  readonly sessions: Pick<Sessions, "endAccount">;
  readonly clients: Pick<ClientRegistry, "revokeOwnedBy">;
  readonly trail: Trail;
  readonly parentEndsAtAge: number;
}

/** What administrators may do with people's accounts. None of it shows them a record. */
export interface Administration {
  /** `{ name?, after? }` → `{ items, next }`; the name goes in the body, as addresses are kept in logs. */
  readonly searchPeople: CallHandler;
  /** One person, with for whom she acts and who acts for her. */
  readonly person: CallHandler;
  /** Makes an account: InvitationMade of core/wire.ts. A sealed one when `kind` is "break-glass". */
  readonly invitePerson: CallHandler;
  /** `{ displayName?, roles?, departments?, suspended?, assurance? with evidence }`. */
  readonly changePerson: CallHandler;
  /** Everything that the person could get in by is gone at once; what she did stays in the log. */
  readonly leavePerson: CallHandler;
  /** `{ birthDate? }`: a new link and, with the birth date, a new code on paper, for who never came. */
  readonly inviteAgain: CallHandler;
  /** Puts a break-glass account back into an envelope, with a new code. */
  readonly sealPerson: CallHandler;
  /** `{ patient, basis, birthDate | evidence, startsAt?, endsAt? }`: lets the person act for a patient. */
  readonly grantPerson: CallHandler;
  readonly endPersonsGrant: CallHandler;
}

const deed = (name: string): Deed => ({ action: "administer", name, isAboutId: true });
const notFound = problemAnswer(problem("not-found"));
const notOneself = problemAnswer(
  problem("forbidden", { detail: "Nobody does this to an account of their own." }),
);

async function search(deps: AdministrationDeps, body: JsonObject): Promise<Answer> {
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

async function show(deps: AdministrationDeps, id: AccountId): Promise<Answer> {
  const row = await findAccountRow(deps.db, id);
  if (row === null) return notFound;
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
  });
}

/** The entry that was written before could not yet name the account. */
async function tell(
  deps: AdministrationDeps,
  { claims, request }: Call,
  about: AccountId,
  done: Answer,
): Promise<Answer> {
  const unwritten = await deps.trail.note({
    action: "administer",
    facts: request.facts,
    about: claims.account,
    session: claims.session,
    device: claims.device,
    client: claims.client,
    resourceId: about,
    reasons: ["person-made"],
  });
  return unwritten === null ? done : problemAnswer(unwritten);
}

async function invite(deps: AdministrationDeps, call: Call): Promise<Answer> {
  const now = deps.clock.now();
  const wish = parsePersonWish(call.request.body, now);
  if (!wish.ok) return problemAnswer(wish.problem);
  const { wanted, kind, birthDate } = wish.value;
  const { externalId, displayName } = wanted;
  const madeBy = call.account.id;
  const externalBlind = externalId === null ? null : deps.blind("external-id", externalId);
  const made = await deps.db.transaction(async (tx) => {
    const id = await insertPerson(tx, deps, { wanted, kind, externalBlind, grantedBy: madeBy });
    if (id === null) return null;
    const invitation =
      kind === "break-glass"
        ? await makeEnvelope(tx, id, madeBy, deps)
        : await makeInvitation(tx, { account: id, birthDate, madeBy }, deps);
    return { ...invitation, id, displayName };
  });
  if (made === null) return problemAnswer(problem("edit-conflict", { at: "externalId" }));
  return tell(deps, call, made.id, answer(made));
}

async function change(deps: AdministrationDeps, call: Call, id: AccountId): Promise<Answer> {
  const change = parsePersonChange(call.request.body);
  if (!change.ok) return problemAnswer(change.problem);
  const { displayName, roles, departments, suspended, proofing } = change.value;
  const isStanding = roles !== null || suspended !== null || proofing !== null;
  if (id === call.account.id && isStanding) return notOneself;
  const { sealer, blind, db, clock } = deps;
  const seen =
    proofing === null
      ? null
      : JSON.stringify({ ...proofing, by: call.account.id, at: toIso(clock.now()) });
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
  return isDone ? show(deps, id) : notFound;
}

async function leave(deps: AdministrationDeps, by: AccountId, id: AccountId): Promise<Answer> {
  if (id === by) return notOneself;
  const now = deps.clock.now();
  return deps.db.transaction(async (tx) => {
    await holdAccount(tx, id);
    if (!(await setStatus(tx, id, "closed"))) return notFound;
    await dropKeys(tx, id, now);
    await dropRights(tx, id, now);
    await deps.sessions.endAccount(id, tx);
    await deps.clients.revokeOwnedBy(tx, id, by);
    return answer({ left: true });
  });
}

function parseSecondFact(body: JsonObject, now: Instant): Result<BirthDate | null> {
  if (body["birthDate"] === undefined || body["birthDate"] === null) return ok(null);
  const birthDate = parseBirthDate(body["birthDate"], now);
  return birthDate === null ? refuse("parameter-invalid", { at: "birthDate" }) : ok(birthDate);
}

async function inviteAgain(deps: AdministrationDeps, call: Call, id: AccountId): Promise<Answer> {
  const birthDate = parseSecondFact(call.request.body, deps.clock.now());
  if (!birthDate.ok) return problemAnswer(birthDate.problem);
  const row = await findAccountRow(deps.db, id);
  if (row === null || row.kind !== "person" || row.status !== "active") return notFound;
  // Another key to an account in use goes the way of recovery, with its wait and its notice.
  if ((await findEnrolled(deps.db, [id])).has(id))
    return problemAnswer(problem("enrolled-already"));
  const wanted = { account: id, birthDate: birthDate.value, madeBy: call.account.id };
  const made = await deps.db.transaction((tx) => makeInvitation(tx, wanted, deps));
  const { displayName } = openAccount(row, deps.sealer);
  return answer({ ...made, id, displayName });
}

async function seal(deps: AdministrationDeps, by: AccountId, id: AccountId): Promise<Answer> {
  if (id === by) return notOneself;
  const row = await findAccountRow(deps.db, id);
  if (row === null) return notFound;
  const made = await deps.db.transaction(async (tx) => {
    await holdAccount(tx, id);
    if (!(await setStatus(tx, id, "sealed"))) return null;
    await dropKeys(tx, id, deps.clock.now());
    await deps.sessions.endAccount(id, tx);
    return makeEnvelope(tx, id, by, deps);
  });
  const { displayName } = openAccount(row, deps.sealer);
  return made === null ? notFound : answer({ ...made, id, displayName });
}

async function grant(deps: AdministrationDeps, call: Call, id: AccountId): Promise<Answer> {
  if (id === call.account.id) return notOneself;
  const now = deps.clock.now();
  const wanted = parseGrant(call.request.body, now);
  if (!wanted.ok) return problemAnswer(wanted.problem);
  const row = await findAccountRow(deps.db, id);
  if (row === null || row.kind !== "person" || row.status === "closed") return notFound;
  const max = identityLimits.grantsPerAccount;
  if ((await findGrantsOf(deps.db, id, now, max)).length >= max)
    return problemAnswer(problem("too-costly"));
  await deps.db.transaction(async (tx) => {
    await holdAccount(tx, id);
    await addProxyRole(tx, id);
    await storeGrant(tx, deps, { ...wanted.value, proxy: id, grantedBy: call.account.id }, now);
    await actAnew(tx, id, now, deps);
  });
  return show(deps, id);
}

export function createAdministration(deps: AdministrationDeps): Administration {
  const { calls } = deps;
  const about = (act: (call: Call, id: AccountId) => Promise<Answer>) => async (call: Call) => {
    const id = parseAccountId(call.request.id);
    return id === null ? notFound : act(call, id);
  };
  return {
    searchPeople: calls.end(deed("people-searched"), ({ request }) => search(deps, request.body)),
    person: calls.end(
      deed("person-shown"),
      about((_call, id) => show(deps, id)),
    ),
    invitePerson: calls.sensitive(deed("person-invited"), (call) => invite(deps, call)),
    changePerson: calls.sensitive(
      deed("person-changed"),
      about((call, id) => change(deps, call, id)),
    ),
    leavePerson: calls.sensitive(
      deed("person-left"),
      about(({ account }, id) => leave(deps, account.id, id)),
    ),
    inviteAgain: calls.sensitive(
      deed("person-invited"),
      about((call, id) => inviteAgain(deps, call, id)),
    ),
    sealPerson: calls.sensitive(
      deed("envelope-sealed"),
      about(({ account }, id) => seal(deps, account.id, id)),
    ),
    grantPerson: calls.sensitive(
      deed("proxy-granted"),
      about((call, id) => grant(deps, call, id)),
    ),
    endPersonsGrant: calls.sensitive(deed("proxy-ended"), async ({ request }) => {
      const id = parseGrantId(request.id);
      return id === null ? notFound : endGrantOf(deps, id, () => true);
    }),
  };
}
