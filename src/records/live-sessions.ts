import type { Clock, Instant } from "#core/clock.ts";
import {
  parseAccountId,
  parseDeviceId,
  parseResourceId,
  parseSessionId,
  type AccountId,
  type DeviceId,
  type Pseudonym,
  type ResourceId,
  type SessionId,
} from "#core/ids.ts";
import { personRoles, type PersonRole } from "#core/policy-request.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { keepFresh } from "#records/kept-fresh.ts";
import { readLiveRows, type LiveRow } from "#records/live-store.ts";
import type { SamePerson } from "#records/matching/same-person.ts";
import type { Queryable } from "#storage/database.ts";

export type Patients = ReadonlyMap<Pseudonym, ResourceId>;

/** A session as identity last told of it. */
export interface LiveSession {
  readonly session: SessionId;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly deviceLevel: number;
  /** Grows with every change, so it names this very state. */
  readonly epoch: number;
  readonly roles: readonly PersonRole[];
  /** FHIR ids of the person's own charts, by pseudonym. */
  readonly own: Patients;
  /** Of the patients for whom the person may act at this moment. */
  readonly actsFor: Patients;
  /** Both: her own, then those for whom she acts. */
  readonly patients: Patients;
  readonly practitioner: ResourceId | null;
  readonly clients: readonly string[];
  /** The one Encounter that a kiosk's session is for; null for everybody else. */
  readonly kioskVisit: ResourceId | null;
  readonly idleEndsAt: Instant;
  readonly endsAt: Instant;
}

export interface LiveSessions {
  /** Fails as "session-ended", or as "session-state-stale" when identity's state is not known to be fresh. */
  find(session: SessionId): Promise<Result<LiveSession>>;
  close(): void;
}

export interface LiveSessionsDeps {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly pseudonymOf: (patient: ResourceId) => Pseudonym;
  /** Kept as fresh as the sessions: whoever may see one chart of a person may see the others. */
  readonly samePerson: Pick<SamePerson, "refresh" | "withOthers">;
}

type PseudonymOf = LiveSessionsDeps["pseudonymOf"];
type OtherCharts = Pick<SamePerson, "withOthers">;

interface ToldGrant {
  readonly patient: Pseudonym;
  readonly id: ResourceId;
  /** Both in ms since 1970; it holds from the first until just before the other. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** As it was told, with grants that may since have begun or run out. */
interface ToldSession extends LiveSession {
  readonly grants: readonly ToldGrant[];
}

const joined = (own: Patients, actsFor: Patients): Patients =>
  actsFor.size === 0 ? own : new Map([...own, ...actsFor]);

/** What was not told when it begins or ends never holds. */
function grantsOf(row: LiveRow, pseudonymOf: PseudonymOf): readonly ToldGrant[] {
  return row.acts_for.flatMap((text, at): readonly ToldGrant[] => {
    const id = parseResourceId(text);
    const from = row.acts_for_from[at];
    const until = row.acts_for_until[at];
    if (id === null || from === undefined || until === undefined) return [];
    return [{ patient: pseudonymOf(id), id, fromMs: Number(from), untilMs: Number(until) }];
  });
}

/** Null when a row has not the agreed form: such a session does not exist for us. */
function parseLiveRow(row: LiveRow, pseudonymOf: PseudonymOf): ToldSession | null {
  const session = parseSessionId(row.session_id);
  const account = parseAccountId(row.account_id);
  const device = parseDeviceId(row.device_id);
  if (session === null || account === null || device === null) return null;
  const idsOf = (ids: readonly string[]): Patients =>
    new Map(
      ids.flatMap((text): [Pseudonym, ResourceId][] => {
        const id = parseResourceId(text);
        return id === null ? [] : [[pseudonymOf(id), id]];
      }),
    );
  const own = idsOf(row.patients);
  return {
    session,
    account,
    device,
    deviceLevel: row.device_level,
    epoch: row.epoch,
    roles: personRoles.filter((role) => row.roles.includes(role)),
    own,
    actsFor: new Map(),
    patients: own,
    grants: grantsOf(row, pseudonymOf),
    practitioner: row.practitioner === null ? null : parseResourceId(row.practitioner),
    clients: row.client_ids,
    kioskVisit: row.kiosk_visit === null ? null : parseResourceId(row.kiosk_visit),
    idleEndsAt: row.idle_ends_at,
    endsAt: row.ends_at,
  };
}

interface LiveState {
  readonly sessions: Map<SessionId, ToldSession>;
  epoch: number;
  lastSweepMs: number;
}

function takeIn(state: LiveState, rows: readonly LiveRow[], pseudonymOf: PseudonymOf): void {
  for (const row of rows) {
    state.epoch = Math.max(state.epoch, row.epoch);
    const known = parseSessionId(row.session_id);
    const session = row.ended ? null : parseLiveRow(row, pseudonymOf);
    if (session !== null) state.sessions.set(session.session, session);
    else if (known !== null) state.sessions.delete(known);
  }
}

const hasEnded = (session: LiveSession, now: Instant): boolean =>
  now >= session.endsAt || now >= session.idleEndsAt;

/** Sessions that ran out by the clock leave no row of change, so they are dropped here. */
function sweep(state: LiveState, clock: Clock): void {
  const now = clock.now();
  for (const [id, session] of state.sessions) if (hasEnded(session, now)) state.sessions.delete(id);
}

/**
 * The session as it stands at this moment: a grant that has begun or run out since identity told of
 * it holds or is no more, and whoever may see one chart of a person may see the others.
 */
function asOf(session: ToldSession, now: Instant, { withOthers }: OtherCharts): LiveSession {
  const holding = session.grants.filter(({ fromMs, untilMs }) => fromMs <= now && untilMs > now);
  const own = withOthers(session.own);
  if (holding.length === 0)
    return own === session.own ? session : { ...session, own, patients: own };
  const actsFor = withOthers(new Map(holding.map(({ patient, id }) => [patient, id])));
  return { ...session, own, actsFor, patients: joined(own, actsFor) };
}

const sweepEveryMs = 60_000;

/** Polls identity's view and keeps it in memory. Resolves after the first attempt, whether or not it succeeded. */
export async function watchLiveSessions(deps: LiveSessionsDeps): Promise<LiveSessions> {
  const { db, clock, pseudonymOf, samePerson } = deps;
  const state: LiveState = { sessions: new Map(), epoch: 0, lastSweepMs: clock.monotonicMs() };
  const poll = async (): Promise<void> => {
    const beganMs = clock.monotonicMs();
    takeIn(state, await readLiveRows(db, state.epoch), pseudonymOf);
    await samePerson.refresh();
    if (beganMs - state.lastSweepMs < sweepEveryMs) return;
    state.lastSweepMs = beganMs;
    sweep(state, clock);
  };
  const kept = await keepFresh(poll, clock);
  return {
    find: async (id) => {
      // A session that began a moment ago is not in yet. The poll under way may have begun before
      // it did, the one after that cannot.
      for (let polls = 0; polls < 2; polls += 1)
        if (kept.isStale() || !state.sessions.has(id)) await kept.refresh();
      if (kept.isStale()) return refuse("session-state-stale");
      const session = state.sessions.get(id);
      if (session === undefined || hasEnded(session, clock.now())) return refuse("session-ended");
      return ok(asOf(session, clock.now(), samePerson));
    },
    close: () => kept.close(),
  };
}
