import { laterBy, toIso, type Clock, type Instant } from "#core/clock.ts";
import { limits } from "#core/limits.ts";
import { parseDeviceId, parseResourceId, type ResourceId } from "#core/ids.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { OfflineLease, OfflineLeaseGiven } from "#core/wire.ts";
import { isWorkforce, type Account } from "#identity/accounts/account.ts";
import type { Act, Call, CallHandler, Calls } from "#identity/calls/calls.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import {
  endLeases,
  insertLease,
  isStanding,
  leasesOf,
  leasingDevice,
  renewLease,
  type LeaseRow,
  type NewLease,
} from "#identity/offline/lease-store.ts";
import { holdAccount } from "#identity/people/grant-store.ts";
import type { Database } from "#storage/database.ts";

export interface OfflineLeaseDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly calls: Calls;
}

/** Leases under which a patient keeps her own summary on her own device. */
export interface OfflineLeases {
  /** `{ items: OfflineLease[] }`: hers on all her devices. */
  readonly offlineLeases: CallHandler;
  /**
   * `{ patient }`: OfflineLeaseGiven for this device, in place of the one it had, under the random uuid
   * in the address, so that every entry of the log names it. "edit-conflict" for a known one. She must have proven
   * herself within 5 minutes. "forbidden" unless the record is her own, she works here in no role, and the
   * device is a browser with its own key and no kiosk; "limit-reached" when enough devices keep a summary.
   */
  readonly giveOfflineLease: CallHandler;
  /** OfflineLeaseGiven with a new key; "not-found" when it has ended, or is another device's. */
  readonly renewOfflineLease: CallHandler;
  /** Ends one of hers, on whatever device. */
  readonly endOfflineLease: CallHandler;
}

const keyBytes = 32;
const notFound = problemAnswer(problem("not-found"));

/** Whose chart it is herself: not one for whom she acts, and nobody who works here. */
function ownPatient(account: Account, named: string | null): ResourceId | null {
  if (!account.roles.includes("patient") || isWorkforce(account.roles)) return null;
  const patient = parseResourceId(named ?? "");
  return patient !== null && account.patients.includes(patient) ? patient : null;
}

const shown = (row: LeaseRow, here: string): OfflineLease => ({
  id: row.id,
  device: row.device,
  patient: row.patient,
  givenAt: toIso(row.givenAt),
  renewedAt: toIso(row.renewedAt),
  endsAt: toIso(row.endsAt),
  isThis: row.device === here,
});

function given(
  { random }: OfflineLeaseDeps,
  lease: Pick<NewLease, "id" | "now" | "endsAt"> & { readonly patient: string },
): Answer {
  const told: OfflineLeaseGiven = {
    id: lease.id,
    patient: lease.patient,
    key: random.bytes(keyBytes).toString("base64url"),
    now: toIso(lease.now),
    endsAt: toIso(lease.endsAt),
  };
  return answer(told);
}

async function keepLease(db: Database, lease: NewLease): Promise<Result<null>> {
  const { account, device, now } = lease;
  return db.transaction(async (tx) => {
    await holdAccount(tx, account);
    const held = await leasingDevice(tx, device, account);
    const isOwn = held !== null && held.kind === "browser" && held.level > 0;
    if (!isOwn || held.lostAt !== null) return refuse("forbidden");
    // One browser keeps one summary: whoever switches it on last.
    await endLeases(tx, { jkt: held.jkt }, { reason: "replaced", now });
    const others = await leasesOf(tx, account);
    if (others.length >= identityLimits.offlineLeasesPerAccount) return refuse("limit-reached");
    return (await insertLease(tx, lease)) ? ok(null) : refuse("edit-conflict");
  });
}

const give =
  (deps: OfflineLeaseDeps): Act =>
  async ({ account, claims, request }) => {
    const patient = ownPatient(account, textOf(request.body, "patient", 64));
    const id = parseDeviceId(request.id);
    if (id === null) return notFound;
    if (patient === null) return problemAnswer(problem("forbidden"));
    const { device } = claims;
    const now = deps.clock.now();
    const lease = { id, account: account.id, device, patient, now, endsAt: endOf(now) };
    const kept = await keepLease(deps.db, lease);
    return kept.ok ? given(deps, lease) : problemAnswer(kept.problem);
  };

const endOf = (now: Instant): Instant => laterBy(now, limits.offlineLeaseMs);

const renew =
  (deps: OfflineLeaseDeps): Act =>
  async ({ account, claims, request }) => {
    const id = parseDeviceId(request.id);
    if (id === null) return notFound;
    const { device } = claims;
    const now = deps.clock.now();
    const lease = { id, account: account.id, device, now, endsAt: endOf(now) };
    const renewed = await deps.db.transaction(async (tx): Promise<Result<LeaseRow>> => {
      const held = await leasingDevice(tx, device, account.id);
      if (held === null || held.lostAt !== null) return refuse("not-found");
      const row = await renewLease(tx, lease);
      if (row === null) return refuse("not-found");
      const isOwn = ownPatient(account, row.patient) !== null && held.kind === "browser";
      if (isOwn) return ok(row);
      await endLeases(tx, { id }, { reason: "not-own", now });
      return refuse("forbidden");
    });
    if (!renewed.ok) return problemAnswer(renewed.problem);
    return given(deps, { ...lease, patient: renewed.value.patient });
  };

const end =
  ({ db, clock }: OfflineLeaseDeps): Act =>
  async ({ account, request }: Call) => {
    const id = parseDeviceId(request.id);
    if (id === null) return notFound;
    const isHers = (await leasesOf(db, account.id)).some((lease) => lease.id === id);
    const ended = isHers
      ? await endLeases(db, { id }, { reason: "switched-off", now: clock.now() })
      : 0;
    return ended === 1 ? answer({ ended: true }) : notFound;
  };

export function createOfflineLeases(deps: OfflineLeaseDeps): OfflineLeases {
  const { calls, db } = deps;
  const deed = (name: string) => ({ action: "account-change" as const, name, isAboutId: true });
  return {
    offlineLeases: calls.read(async ({ account, claims }) => {
      const rows = await leasesOf(db, account.id);
      return answer({ items: rows.map((row) => shown(row, claims.device)) });
    }),
    giveOfflineLease: calls.sensitive(deed("offline-lease-given"), give(deps)),
    renewOfflineLease: calls.change(deed("offline-lease-renewed"), renew(deps)),
    endOfflineLease: calls.end(deed("offline-lease-switched-off"), end(deps)),
  };
}

/**
 * `{ lease }`: `{ ended }`, for whoever knows the id, which is 122 random bits and on one device alone: a
 * browser that nobody is signed in with any more learns so that it must delete what it keeps. Nothing
 * is told of whose it is.
 */
export type AskLease = (body: JsonObject) => Promise<Answer>;

export function createAskLease({ db }: Pick<OfflineLeaseDeps, "db">): AskLease {
  return async (body) => {
    const id = parseDeviceId(textOf(body, "lease", 36) ?? "");
    const wrong: Problem = problem("parameter-invalid", { at: "lease" });
    return id === null ? problemAnswer(wrong) : answer({ ended: !(await isStanding(db, id)) });
  };
}
