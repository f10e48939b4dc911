import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId, SessionId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import { committedLater } from "#identity/committed-later.ts";
import { showsCertificate } from "#identity/devices/certificate-store.ts";
import { identityLimits } from "#identity/limits.ts";
import { endLeases } from "#identity/offline/lease-store.ts";
import type { Database, Queryable } from "#storage/database.ts";

type OpenedRow = { readonly id: string; readonly device: string };

/** `$n` is the time now: what makes a session live. */
export const lives = (now: string): string => `session.ended_at IS NULL AND session.ends_at > ${now}
  AND session.last_seen + session.idle_ms * interval '1 millisecond' > ${now}`;

/** `$n` is when the person signed in. Seconds, as a sign-on cookie knows its time no finer. */
const carriesNoFurther = (signedInAt: string): string =>
  `${signedInAt} < date_trunc('second', signed_out_at)`;

export interface OpenSession {
  readonly id: string;
  readonly account: AccountId;
  readonly device: string;
  readonly client: string;
  readonly browser: Buffer;
  readonly login: Buffer;
  readonly grant: Buffer;
  readonly now: Instant;
  readonly idleMs: number;
  readonly endsAt: Instant;
  readonly signedInAt: Instant;
  readonly seenSealed: Buffer;
  /** For whom the person may act in it, from when and until when each, in ms since 1970. */
  readonly actsFor: readonly string[];
  readonly actsForFromMs: readonly number[];
  readonly actsForUntilMs: readonly number[];
}

/** Begins the session, or counts as activity of the one there. Null when that one has ended, or the person signed out everywhere since. */
export async function openSession(db: Queryable, open: OpenSession): Promise<OpenedRow | null> {
  const [row] = await db.query<OpenedRow>({
    name: "identity-open-session",
    text: `INSERT INTO identity.session AS session (id, account, device, client_ids, browser,
        login, created_at, last_seen, idle_ms, ends_at, grant_id, signed_in_at, seen_sealed,
        acts_for, acts_for_until, acts_for_from)
      SELECT $1::uuid, $2::uuid, $3::uuid, ARRAY[$4::text], $5::bytea, $6::bytea,
        $7::timestamptz, $7::timestamptz, $8::bigint, $9::timestamptz, $10::bytea,
        $11::timestamptz, $12::bytea, $13::text[], $14::bigint[],
        $15::bigint[]
      WHERE $9::timestamptz > $7::timestamptz AND NOT EXISTS (
        SELECT FROM identity.account
        WHERE id = $2::uuid AND ${carriesNoFurther("$11::timestamptz")})
      ON CONFLICT (tenant, login, device) DO UPDATE SET
        last_seen = greatest(session.last_seen, excluded.last_seen),
        grant_id = excluded.grant_id,
        seen_sealed = excluded.seen_sealed,
        client_ids = ARRAY(SELECT DISTINCT unnest(session.client_ids || excluded.client_ids))
      WHERE ${lives("$7")}
      RETURNING id, device`,
    values: [
      open.id,
      open.account,
      open.device,
      open.client,
      open.browser,
      open.login,
      toIso(open.now),
      open.idleMs,
      toIso(open.endsAt),
      open.grant,
      toIso(open.signedInAt),
      open.seenSealed,
      open.actsFor,
      open.actsForUntilMs,
      open.actsForFromMs,
    ],
  });
  return row ?? null;
}

export interface RenewSession {
  readonly login: Buffer;
  readonly jkt: string;
  readonly client: string;
  readonly now: Instant;
  readonly seenSealed: Buffer;
  /** Thumbprint of the certificate that the gateway saw; null when it saw none. */
  readonly certificate: string | null;
}

type RenewedRow = OpenedRow & {
  /** Whether the key is good with its certificate alone, which was shown. */
  readonly isBound: boolean;
};

/**
 * Counts as activity. Null when no live session of this sign-in has this key and client, or the key
 * has a certificate and none of its own came. It is committed without waiting for the disk: the
 * token that comes of it waits for its entry in the log, which is written after it.
 */
export async function renewSession(db: Queryable, renew: RenewSession): Promise<RenewedRow | null> {
  const [row] = await db.query<RenewedRow>({
    name: "identity-renew-session",
    text: `UPDATE identity.session AS session SET last_seen = greatest(session.last_seen, $4),
        seen_sealed = $5
      FROM ${committedLater}, identity.device AS device
        LEFT JOIN identity.device_key AS key ON key.tenant = device.tenant AND key.jkt = device.jkt
      WHERE session.login = $1 AND device.jkt = $2 AND $3 = ANY (session.client_ids)
        AND device.tenant = session.tenant AND device.id = session.device AND ${lives("$4")}
        AND (key.bound_at IS NULL OR ${showsCertificate("$6", "$4")})
      RETURNING session.id, session.device, key.bound_at IS NOT NULL AS "isBound"`,
    values: [
      renew.login,
      renew.jkt,
      renew.client,
      toIso(renew.now),
      renew.seenSealed,
      renew.certificate,
    ],
  });
  return row ?? null;
}

type LoginCounts = { readonly sessions: number; readonly alive: number };

/** How many sessions this sign-in has, and how many of them live. */
export async function findLogin(db: Queryable, login: Buffer, now: Instant): Promise<LoginCounts> {
  const [row] = await db.query<LoginCounts>({
    name: "identity-login",
    text: `SELECT count(*) AS sessions, count(*) FILTER (WHERE ${lives("$2")}) AS alive
      FROM identity.session AS session WHERE login = $1`,
    values: [login, toIso(now)],
  });
  invariant(row !== undefined, "counting sessions answers one row");
  return row;
}

export type SessionState = {
  readonly account: string;
  readonly browser: Buffer;
  readonly idleMs: number;
  readonly endsAt: Instant;
  /** When the person proved herself last; null for a session of an older version. */
  readonly signedInAt: Instant | null;
  readonly actsFor: readonly string[];
  readonly alive: boolean;
};

export async function findSession(
  db: Queryable,
  session: SessionId,
  now: Instant,
): Promise<SessionState | null> {
  const [row] = await db.query<SessionState>({
    name: "identity-session",
    text: `SELECT account, browser, idle_ms AS "idleMs", ends_at AS "endsAt",
        signed_in_at AS "signedInAt",
        ARRAY(SELECT told.patient
          FROM unnest(acts_for, acts_for_from, acts_for_until) WITH ORDINALITY
            AS told (patient, begins, until, place),
            LATERAL (SELECT extract(epoch FROM $2::timestamptz) * 1000 AS ms) AS asked
          WHERE told.begins <= asked.ms AND told.until > asked.ms
          GROUP BY told.patient ORDER BY min(told.place)) AS "actsFor",
        ${lives("$2")} AS alive
      FROM identity.session AS session WHERE id = $1`,
    values: [session, toIso(now)],
  });
  return row ?? null;
}

/** Ends the account's oldest sessions until no more than `kept` live. */
export async function endOldest(
  db: Queryable,
  account: AccountId,
  kept: number,
  now: Instant,
): Promise<void> {
  const crowded = await db.query<{ readonly id: string }>(
    `SELECT id FROM identity.session AS session WHERE account = $1 AND ${lives("$2")}
      ORDER BY created_at DESC, id OFFSET $3`,
    [account, toIso(now), kept],
  );
  if (crowded.length === 0) return;
  await db.query("UPDATE identity.session SET ended_at = $2 WHERE id = ANY ($1::uuid[])", [
    crowded.map(({ id }) => id),
    toIso(now),
  ]);
}

/** Whether somebody said that it shall end, or nobody was there any more. */
export type BrowserEnd = "signed-out" | "idle";

/**
 * Ends what the browser is signed in to: its sessions, its sign-on cookie, its codes and tokens; and what
 * it may keep offline, unless it was merely idle.
 */
export async function endBrowser(
  db: Database,
  browser: Buffer,
  { how, now }: { readonly how: BrowserEnd; readonly now: Instant },
): Promise<void> {
  await db.transaction(async (tx) => {
    if (how === "signed-out") await endLeases(tx, { browser }, { reason: how, now });
    await tx.query("DELETE FROM identity.oidc WHERE browser = $1", [browser]);
    await tx.query(
      "UPDATE identity.session SET ended_at = $2 WHERE browser = $1 AND ended_at IS NULL",
      [browser, toIso(now)],
    );
  });
}

/** Ends what stands on one grant: its codes, its tokens, its sessions. */
export async function endGrant(db: Database, grant: Buffer, now: Instant): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query("DELETE FROM identity.oidc WHERE grant_id = $1", [grant]);
    await tx.query(
      "UPDATE identity.session SET ended_at = $2 WHERE grant_id = $1 AND ended_at IS NULL",
      [grant, toIso(now)],
    );
  });
}

/** Whether the person signed out everywhere after this sign-in. */
export async function isSignedOutSince(
  db: Queryable,
  account: AccountId,
  signedInAt: Instant,
): Promise<boolean> {
  const [row] = await db.query<{ readonly id: string }>({
    name: "identity-signed-out-since",
    text: `SELECT id FROM identity.account WHERE id = $1 AND ${carriesNoFurther("$2::timestamptz")}`,
    values: [account, toIso(signedInAt)],
  });
  return row !== undefined;
}

/**
 * Ends everything that the account is signed in to, in all browsers and apps: sessions, codes,
 * tokens, what its devices may keep offline, and sign-on cookies of which no session came yet.
 */
export async function endAccount(tx: Queryable, account: AccountId, now: Instant): Promise<void> {
  await endLeases(tx, { account }, { reason: "signed-out", now });
  await tx.query("UPDATE identity.account SET signed_out_at = $2 WHERE id = $1", [
    account,
    toIso(now),
  ]);
  await tx.query(
    `DELETE FROM identity.oidc WHERE browser IN (
        SELECT browser FROM identity.session WHERE account = $1 AND ended_at IS NULL)
      OR grant_id IN (SELECT grant_id FROM identity.session WHERE account = $1 AND ended_at IS NULL)`,
    [account],
  );
  await tx.query(
    "UPDATE identity.session SET ended_at = $2 WHERE account = $1 AND ended_at IS NULL",
    [account, toIso(now)],
  );
}

export type ListedSession = {
  readonly id: string;
  readonly login: Buffer;
  readonly browser: Buffer;
  readonly clients: readonly string[];
  readonly kind: string;
  readonly signedInAt: Instant | null;
  readonly lastSeenAt: Instant;
  readonly seenSealed: Buffer | null;
};

/** The account's live sessions, last used first. */
export async function liveSessionsOf(
  db: Queryable,
  account: AccountId,
  now: Instant,
): Promise<readonly ListedSession[]> {
  return db.query<ListedSession>(
    `SELECT session.id, login, browser, client_ids AS clients, device.kind,
        signed_in_at AS "signedInAt", session.last_seen AS "lastSeenAt", seen_sealed AS "seenSealed"
      FROM identity.session AS session
      JOIN identity.device ON device.tenant = session.tenant AND device.id = session.device
      WHERE session.account = $1 AND ${lives("$2")} ORDER BY session.last_seen DESC, session.id
      LIMIT $3`,
    [account, toIso(now), identityLimits.sessionsPerAccount],
  );
}
