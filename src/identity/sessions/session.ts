import { laterBy, type Clock, type Instant } from "#core/clock.ts";
import {
  parseDeviceId,
  parseSessionId,
  type AccountId,
  type DeviceId,
  type SessionId,
} from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import type { Account } from "#identity/accounts/account.ts";
import { appLimits } from "#identity/apps/limits.ts";
import { holdClient, holdGrant } from "#identity/apps/standing-store.ts";
import type { Blind } from "#identity/blind.ts";
import { parseClientId } from "#identity/clients/client.ts";
import { identityLimits } from "#identity/limits.ts";
import {
  endBrowser,
  endOldest,
  endAccount,
  findLogin,
  findSession,
  isSignedOutSince,
  openSession,
  renewSession,
  type BrowserEnd,
  type OpenSession,
  type SessionState,
} from "#identity/sessions/session-store.ts";
import { settleLevel } from "#identity/devices/evidence-store.ts";
import { seeDevice } from "#identity/sessions/device-store.ts";
import { idleMsOf, type LogOffRules } from "#identity/sessions/log-off.ts";
import { sealSeen, type Seen } from "#identity/sessions/seen.ts";
import { holdAccount } from "#identity/people/grant-store.ts";
import { actingOf } from "#identity/people/grant.ts";
import type { Database, Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

/** One sign-in of one browser: the sign-on session's uid, and when the person proved herself in it. */
export interface Login {
  readonly browserUid: string;
  readonly at: Instant;
}

export interface TokenSession {
  readonly session: SessionId;
  readonly device: DeviceId;
}

export interface Sessions {
  /**
   * The session of this sign-in on the device of this DPoP key, begun when it is not there. Null
   * when it has ended or was idle too long, or the device was lost: the person must sign in again;
   * or when the app was cut off, by whom it let in or for everybody.
   */
  begin(login: Login, account: Account, use: TokenUse): Promise<TokenSession | null>;
  /** The same session at a refresh, which counts as activity. Null when it has ended, or the certificate of the key is missing. */
  renew(login: Login, use: Renewal): Promise<RenewedSession | null>;
  /** Whether this sign-in still carries: some session of it lives, or none was begun and it is fresh. */
  isAlive(login: Login, account: Account): Promise<boolean>;
  /** State of a session as an access token names it; null when there is none. */
  find(session: SessionId): Promise<SessionState | null>;
  /** Ends all that the account is signed in to, everywhere; within `tx` when it is given. */
  endAccount(account: AccountId, tx?: Queryable): Promise<void>;
  /**
   * Ends all sessions of this browser, and every code and token that stands on them; what it may keep
   * offline too, unless it was merely idle.
   */
  endBrowser(browser: Buffer, how?: BrowserEnd): Promise<void>;
  browserOf(uid: string): Buffer;
}

/**
 * How far a session reaches. "sign-in": our own client, part of the sign-in of its browser.
 * "online-app": an app's, which ends with that sign-in and does not keep it awake. "offline-app":
 * an app's, which the person's signing out leaves alone.
 */
export type SessionSpan = "sign-in" | "online-app" | "offline-app";

export interface TokenUse {
  /** Id of the grant that the token stands on. */
  readonly grant: string;
  /** Thumbprint of the DPoP key; where there is none, a name that is this grant's alone. */
  readonly jkt: string;
  /** Rung of the device ladder: 0 without a key. */
  readonly level: 0 | 1;
  readonly span: SessionSpan;
  readonly client: string;
  readonly seen: Seen;
}

/** `certificate` is the thumbprint of the one that came with the request. */
export interface Renewal extends Omit<TokenUse, "level"> {
  readonly certificate: string | null;
}

export interface RenewedSession extends TokenSession {
  /** Whether the key is good with its certificate alone. */
  readonly isBound: boolean;
}

export interface SessionDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly logOff: LogOffRules;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly parentEndsAtAge: number;
}

function tokenSession(row: { id: string; device: string } | null): TokenSession | null {
  if (row === null) return null;
  const session = parseSessionId(row.id);
  const device = parseDeviceId(row.device);
  invariant(session !== null && device !== null, "a session's id is no uuid");
  return { session, device };
}

/** Whether an app may still begin anything; of our own nobody asks. */
async function standsApp(
  tx: Queryable,
  { client, span, grant }: TokenUse,
  { blind }: SessionDeps,
): Promise<boolean> {
  const app = parseClientId(client);
  if (app === null) return true;
  if (!(await holdClient(tx, app))) return false;
  return span === "sign-in" || holdGrant(tx, blind("oidc-grant", grant));
}

/** Whoever acts for nobody costs no question. */
async function actingIn(
  tx: Queryable,
  account: Account,
  span: { readonly now: Instant; readonly endsAt: Instant },
  deps: SessionDeps,
): Promise<Pick<OpenSession, "actsFor" | "actsForFromMs" | "actsForUntilMs">> {
  if (!account.roles.includes("proxy"))
    return { actsFor: [], actsForFromMs: [], actsForUntilMs: [] };
  await holdAccount(tx, account.id);
  const acting = await actingOf(tx, account.id, span.now, deps);
  return {
    actsFor: acting.patients,
    actsForFromMs: acting.fromMs,
    actsForUntilMs: acting.untilMs.map((until) => Math.min(until, span.endsAt)),
  };
}

export function createSessions(deps: SessionDeps): Sessions {
  const { db, sealer, logOff, clock, random, blind } = deps;
  const browserOf = (uid: string): Buffer => blind("browser", uid);
  const loginOf = ({ browserUid, at }: Login): Buffer =>
    blind("browser-login", `${browserUid}:${at}`);
  const loginFor = (login: Login, { span, grant }: Pick<TokenUse, "span" | "grant">): Buffer =>
    span === "sign-in" ? loginOf(login) : blind("browser-login", `app:${grant}:${login.at}`);
  const browserFor = ({ browserUid }: Login, { span, grant }: TokenUse): Buffer =>
    browserOf(span === "offline-app" ? `app:${grant}` : browserUid);
  return {
    begin: async (login, account, use) => {
      const { jkt, level, client, grant, seen } = use;
      const isOffline = use.span === "offline-app";
      const now = clock.now();
      const row = await db.transaction(async (tx) => {
        if (!(await standsApp(tx, use, deps))) return null;
        const endsAt = laterBy(login.at, isOffline ? appLimits.offlineMaxMs : limits.sessionMaxMs);
        const acting = await actingIn(tx, account, { now, endsAt }, deps);
        const device = await seeDevice(tx, {
          id: random.uuid(),
          account: account.id,
          jkt,
          level,
          now,
        });
        if (device === null) return null;
        // What this sign-in, or one before, proved of the key counts from its first token on.
        if (level > 0) await settleLevel(tx, jkt, now);
        const loginHash = loginFor(login, use);
        return openSession(tx, {
          id: random.uuid(),
          account: account.id,
          device: device.id,
          client,
          browser: browserFor(login, use),
          login: loginHash,
          seenSealed: sealSeen(sealer, loginHash, seen),
          signedInAt: login.at,
          grant: blind("oidc-grant", grant),
          now,
          idleMs: isOffline
            ? appLimits.offlineIdleMs
            : idleMsOf(logOff, account.roles, device.kind),
          endsAt,
          ...acting,
        });
      });
      await endOldest(db, account.id, identityLimits.sessionsPerAccount, now);
      return tokenSession(row);
    },
    renew: async (login, use) => {
      const { jkt, client, seen, certificate } = use;
      const loginHash = loginFor(login, use);
      const row = await renewSession(db, {
        login: loginHash,
        jkt,
        client,
        now: clock.now(),
        seenSealed: sealSeen(sealer, loginHash, seen),
        certificate,
      });
      const session = tokenSession(row);
      return session === null || row === null ? null : { ...session, isBound: row.isBound };
    },
    isAlive: async (login, account) => {
      const now = clock.now();
      const known = await findLogin(db, loginOf(login), now);
      if (known.sessions > 0) return known.alive > 0;
      if (await isSignedOutSince(db, account.id, login.at)) return false;
      return now < laterBy(login.at, idleMsOf(logOff, account.roles, "browser"));
    },
    find: (session) => findSession(db, session, clock.now()),
    endAccount: (account, tx) =>
      tx === undefined
        ? db.transaction((own) => endAccount(own, account, clock.now()))
        : endAccount(tx, account, clock.now()),
    endBrowser: (browser, how = "signed-out") => endBrowser(db, browser, { how, now: clock.now() }),
    browserOf,
  };
}
