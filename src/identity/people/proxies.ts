import { laterBy, parseInstant, toIso, type Clock, type Instant } from "#core/clock.ts";
import type { AccountId, ResourceId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { InvitationMade, ProxyGrant } from "#core/wire.ts";
import { openAccount, type Account } from "#identity/accounts/account.ts";
import { findAccountRow, findAccountRows } from "#identity/accounts/account-store.ts";
import type { Blind } from "#identity/blind.ts";
import type { CallHandler, Calls, Deed } from "#identity/calls/calls.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import { insertPerson } from "#identity/operator/accounts.ts";
import { parseBirthDate, type BirthDate } from "#identity/people/birth-date.ts";
import { endGrant, findGrant, findGrantsFor, findGrantsOf } from "#identity/people/grant-store.ts";
import { actAnew, openGrant, type Grant } from "#identity/people/grant.ts";
import { makeInvitation } from "#identity/people/invitation.ts";
import { dropKeys, findEnrolled, setStatus } from "#identity/people/people-store.ts";
import { shownGrant } from "#identity/people/person.ts";
import type { Database, Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface ProxiesDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly calls: Calls;
  readonly parentEndsAtAge: number;
}

export interface Proxies {
  /** `{ forMe, byMe }`: who acts for the caller, and for whom she acts. */
  readonly proxies: CallHandler;
  /**
   * `{ name, birthDate, until? }`: lets somebody act for the caller, once that person has come by
   * the invitation in the answer (45 CFR 164.510(b), 164.508). `until` is the last day.
   */
  readonly inviteProxy: CallHandler;
  /** Ends a grant of the caller's, or one by which she acts; within a second everywhere. */
  readonly endProxy: CallHandler;
}

const deed = (name: string): Deed => ({ action: "account-change", name });
const wrong = (at: string): ReturnType<typeof refuse> => refuse("parameter-invalid", { at });
const max = identityLimits.grantsPerAccount;

/** Names by account of those who act, and who of them has yet to come. */
async function helpersOf(
  deps: ProxiesDeps,
  grants: readonly Grant[],
): Promise<{ names: ReadonlyMap<string, string>; enrolled: ReadonlySet<string> }> {
  const ids = [...new Set(grants.flatMap(({ proxy }) => proxy ?? []))];
  const rows = await findAccountRows(deps.db, ids);
  const accounts = rows.map((row) => openAccount(row, deps.sealer));
  return {
    names: new Map(accounts.map(({ id, displayName }) => [id, displayName])),
    enrolled: await findEnrolled(deps.db, ids),
  };
}

async function forMe(deps: ProxiesDeps, me: Account, now: Instant): Promise<readonly ProxyGrant[]> {
  const rows = await findGrantsFor(deps.db, me.patients, now, max);
  const grants = rows.map((row) => openGrant(deps, row));
  const { names, enrolled } = await helpersOf(deps, grants);
  return grants.map((grant) => {
    const { proxy } = grant;
    const shown = shownGrant(grant, grant.proxyName ?? names.get(proxy ?? "") ?? null, now);
    return proxy === null || !enrolled.has(proxy) ? { ...shown, state: "invited" } : shown;
  });
}

async function byMe(deps: ProxiesDeps, me: Account, now: Instant): Promise<readonly ProxyGrant[]> {
  const rows = await findGrantsOf(deps.db, me.id, now, max);
  return rows.map((row) => {
    const grant = openGrant(deps, row);
    return shownGrant(grant, grant.patientName, now);
  });
}

interface WantedProxy {
  readonly name: string;
  readonly birthDate: BirthDate;
  readonly endsAt: Instant | null;
}

const dayMs = 24 * 60 * 60_000;

/** The end of a day, by UTC; undefined when it is none, or past. */
function endOfDay(value: unknown, now: Instant): Instant | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d$/.test(value)) return undefined;
  const begins = parseInstant(Date.parse(`${value}T00:00:00Z`));
  const isDay = begins !== null && toIso(begins).startsWith(value);
  const ends = isDay ? laterBy(begins, dayMs) : null;
  return ends !== null && ends > now ? ends : undefined;
}

function parseWanted(body: JsonObject, now: Instant): Result<WantedProxy> {
  const name = textOf(body, "name", identityLimits.displayNameChars);
  if (name === null) return wrong("name");
  const birthDate = parseBirthDate(body["birthDate"], now);
  if (birthDate === null) return wrong("birthDate");
  const endsAt = endOfDay(body["until"], now);
  return endsAt === undefined ? wrong("until") : ok({ name, birthDate, endsAt });
}

/** Account, grant and invitation: all or nothing. */
async function invite(
  tx: Queryable,
  deps: ProxiesDeps,
  me: Account,
  wanted: WantedProxy & { readonly patient: ResourceId },
): Promise<InvitationMade | null> {
  const { name, birthDate, endsAt, patient } = wanted;
  const id = await insertPerson(tx, deps, {
    externalBlind: null,
    kind: "person",
    grantedBy: me.id,
    wanted: {
      displayName: name,
      roles: ["proxy"],
      patients: [],
      practitioner: null,
      departments: [],
      externalId: null,
      signIn: null,
      actsFor: [
        {
          patient,
          ground: { basis: "caregiver" },
          startsAt: null,
          endsAt,
          patientName: me.displayName,
          proxyName: name,
        },
      ],
    },
  });
  if (id === null) return null;
  const made = await makeInvitation(tx, { account: id, birthDate, madeBy: me.id }, deps);
  return { ...made, id, displayName: name };
}

async function inviteProxy(deps: ProxiesDeps, me: Account, body: JsonObject): Promise<Answer> {
  const now = deps.clock.now();
  const [patient] = me.roles.includes("patient") ? me.patients : [];
  if (patient === undefined) return problemAnswer(problem("forbidden"));
  const wanted = parseWanted(body, now);
  if (!wanted.ok) return problemAnswer(wanted.problem);
  if ((await findGrantsFor(deps.db, [patient], now, max)).length >= max)
    return problemAnswer(problem("too-costly"));
  const made = await deps.db.transaction((tx) =>
    invite(tx, deps, me, { ...wanted.value, patient }),
  );
  return made === null ? problemAnswer(problem("edit-conflict")) : answer(made);
}

/** Whether the account was made for acting alone, and nobody has come for it. */
export async function isForActingAlone(tx: Queryable, id: AccountId): Promise<boolean> {
  const row = await findAccountRow(tx, id);
  if (row === null || row.kind !== "person" || row.status === "closed") return false;
  const isMoreThanProxy = row.roles.some((role) => role !== "proxy");
  return !isMoreThanProxy && (await findEnrolled(tx, [id])).size === 0;
}

/** Whoever was invited and never came leaves no open door behind. */
async function endFor(
  tx: Queryable,
  deps: ProxiesDeps,
  { id, proxy }: Grant,
  now: Instant,
): Promise<void> {
  await endGrant(tx, id, now);
  if (proxy === null) return;
  await actAnew(tx, proxy, now, deps);
  if (!(await isForActingAlone(tx, proxy))) return;
  if ((await findGrantsOf(tx, proxy, now, 1)).length > 0) return;
  await dropKeys(tx, proxy, now);
  await setStatus(tx, proxy, "closed");
}

/** Ends a grant if `mayEnd` it; fails as "not-found" when there is none that may be ended. */
export async function endGrantOf(
  deps: ProxiesDeps,
  id: string,
  mayEnd: (grant: Grant) => boolean,
): Promise<Answer> {
  const now = deps.clock.now();
  return deps.db.transaction(async (tx) => {
    const row = await findGrant(tx, id);
    const grant = row === null ? null : openGrant(deps, row);
    if (grant === null || !mayEnd(grant)) return problemAnswer(problem("not-found"));
    await endFor(tx, deps, grant, now);
    return answer({ ended: true });
  });
}

const concerns = (me: Account, { patient, proxy }: Grant): boolean =>
  proxy === me.id || (me.roles.includes("patient") && me.patients.includes(patient));

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Null for what cannot be a grant's id. */
export const parseGrantId = (text: string): string | null => (uuid.test(text) ? text : null);

export function createProxies(deps: ProxiesDeps): Proxies {
  const { calls, clock } = deps;
  return {
    proxies: calls.read(async ({ account }) => {
      const now = clock.now();
      const [toMe, ofMe] = [await forMe(deps, account, now), await byMe(deps, account, now)];
      return answer({ forMe: toMe, byMe: ofMe });
    }),
    inviteProxy: calls.sensitive(deed("proxy-invited"), ({ account, request }) =>
      inviteProxy(deps, account, request.body),
    ),
    endProxy: calls.change(deed("proxy-ended"), async ({ account, request }) => {
      const id = parseGrantId(request.id);
      if (id === null) return problemAnswer(problem("not-found"));
      return endGrantOf(deps, id, (grant) => concerns(account, grant));
    }),
  };
}
