import type { Instant } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { openAccount } from "#identity/accounts/account.ts";
import { findAccountRow } from "#identity/accounts/account-store.ts";
import type { Call, CallHandler, Calls, Deed as LoggedDeed } from "#identity/calls/calls.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import { insertPerson } from "#identity/operator/accounts.ts";
import {
  changePerson,
  leavePerson,
  notOneself,
  personNotFound,
  sealPerson,
  searchPeople,
  showPerson,
  type AdministerDeps,
} from "#identity/people/administer.ts";
import { parseBirthDate, type BirthDate } from "#identity/people/birth-date.ts";
import { findGrantsOf, holdAccount } from "#identity/people/grant-store.ts";
import { actAnew } from "#identity/people/grant.ts";
import { parseGrant, storeGrant } from "#identity/people/granting.ts";
import { makeEnvelope, makeInvitation } from "#identity/people/invitation.ts";
import { addProxyRole, findEnrolled } from "#identity/people/people-store.ts";
import { parsePersonWish } from "#identity/people/person-request.ts";
import { endGrantOf, parseGrantId } from "#identity/people/proxies.ts";
import type { Trail } from "#identity/trail.ts";

export interface AdministrationDeps extends AdministerDeps {
  /** Of administrators alone. */
  readonly calls: Calls;
  readonly trail: Trail;
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

const deed = (name: string): LoggedDeed => ({ action: "administer", name, isAboutId: true });
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

function parseSecondFact(body: JsonObject, now: Instant): Result<BirthDate | null> {
  if (body["birthDate"] === undefined || body["birthDate"] === null) return ok(null);
  const birthDate = parseBirthDate(body["birthDate"], now);
  return birthDate === null ? refuse("parameter-invalid", { at: "birthDate" }) : ok(birthDate);
}

async function inviteAgain(deps: AdministrationDeps, call: Call, id: AccountId): Promise<Answer> {
  const birthDate = parseSecondFact(call.request.body, deps.clock.now());
  if (!birthDate.ok) return problemAnswer(birthDate.problem);
  const row = await findAccountRow(deps.db, id);
  if (row === null || row.kind !== "person" || row.status !== "active") return personNotFound;
  // Another key to an account in use goes the way of recovery, with its wait and its notice.
  if ((await findEnrolled(deps.db, [id])).has(id))
    return problemAnswer(problem("enrolled-already"));
  const wanted = { account: id, birthDate: birthDate.value, madeBy: call.account.id };
  const made = await deps.db.transaction((tx) => makeInvitation(tx, wanted, deps));
  const { displayName } = openAccount(row, deps.sealer);
  return answer({ ...made, id, displayName });
}

async function grant(deps: AdministrationDeps, call: Call, id: AccountId): Promise<Answer> {
  if (id === call.account.id) return notOneself;
  const now = deps.clock.now();
  const wanted = parseGrant(call.request.body, now);
  if (!wanted.ok) return problemAnswer(wanted.problem);
  const row = await findAccountRow(deps.db, id);
  if (row === null || row.kind !== "person" || row.status === "closed") return personNotFound;
  const max = identityLimits.grantsPerAccount;
  if ((await findGrantsOf(deps.db, id, now, max)).length >= max)
    return problemAnswer(problem("too-costly"));
  await deps.db.transaction(async (tx) => {
    await holdAccount(tx, id);
    await addProxyRole(tx, id);
    await storeGrant(tx, deps, { ...wanted.value, proxy: id, grantedBy: call.account.id }, now);
    await actAnew(tx, id, now, deps);
  });
  return showPerson(deps, id);
}

export function createAdministration(deps: AdministrationDeps): Administration {
  const { calls } = deps;
  const about = (act: (call: Call, id: AccountId) => Promise<Answer>) => async (call: Call) => {
    const id = parseAccountId(call.request.id);
    return id === null ? personNotFound : act(call, id);
  };
  return {
    searchPeople: calls.end(deed("people-searched"), ({ request }) =>
      searchPeople(deps, request.body),
    ),
    person: calls.end(
      deed("person-shown"),
      about((_call, id) => showPerson(deps, id)),
    ),
    invitePerson: calls.sensitive(deed("person-invited"), (call) => invite(deps, call)),
    changePerson: calls.sensitive(
      deed("person-changed"),
      about(({ account, request }, id) => changePerson(deps, { by: account.id, id }, request.body)),
    ),
    leavePerson: calls.sensitive(
      deed("person-left"),
      about(({ account }, id) => leavePerson(deps, { by: account.id, id })),
    ),
    inviteAgain: calls.sensitive(
      deed("person-invited"),
      about((call, id) => inviteAgain(deps, call, id)),
    ),
    sealPerson: calls.sensitive(
      deed("envelope-sealed"),
      about(({ account }, id) => sealPerson(deps, { by: account.id, id })),
    ),
    grantPerson: calls.sensitive(
      deed("proxy-granted"),
      about((call, id) => grant(deps, call, id)),
    ),
    endPersonsGrant: calls.sensitive(deed("proxy-ended"), async ({ request }) => {
      const id = parseGrantId(request.id);
      return id === null ? personNotFound : endGrantOf(deps, id, () => true);
    }),
  };
}
