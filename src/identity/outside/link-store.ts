import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

/** The account that this subject is, by the HMAC of issuer and sub; null when nobody approved it. */
export async function findLinked(db: Queryable, subject: Buffer): Promise<string | null> {
  const [row] = await db.query<{ readonly account: string }>({
    name: "identity-outside-subject",
    text: "SELECT account FROM identity.outside_subject WHERE subject = $1",
    values: [subject],
  });
  return row?.account ?? null;
}

export interface NewLink {
  readonly subject: Buffer;
  readonly provider: string;
  readonly subjectSealed: Buffer;
  readonly account: AccountId;
  readonly approvedAt: Instant;
}

/** Whether it was stored: false when the subject, or the account at this provider, is linked already. */
export async function insertLink(db: Queryable, link: NewLink): Promise<boolean> {
  const stored = await db.query<{ readonly account: string }>(
    `INSERT INTO identity.outside_subject (subject, provider, subject_sealed, account, approved_at)
      VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING account`,
    [link.subject, link.provider, link.subjectSealed, link.account, toIso(link.approvedAt)],
  );
  return stored.length === 1;
}

/** Whether there was one. */
export async function deleteLink(
  db: Queryable,
  provider: string,
  account: AccountId,
): Promise<boolean> {
  const gone = await db.query<{ readonly account: string }>(
    "DELETE FROM identity.outside_subject WHERE provider = $1 AND account = $2 RETURNING account",
    [provider, account],
  );
  return gone.length === 1;
}

export type LinkRow = {
  readonly provider: string;
  readonly account: string;
  readonly subjectSealed: Buffer;
  readonly approvedAt: Instant;
};

/** Newest first. */
export function listLinks(db: Queryable, max: number): Promise<readonly LinkRow[]> {
  return db.query<LinkRow>(
    `SELECT provider, account, subject_sealed AS "subjectSealed", approved_at AS "approvedAt"
      FROM identity.outside_subject ORDER BY approved_at DESC, account LIMIT $1`,
    [max],
  );
}

export type WaitingRow = {
  readonly reference: string;
  readonly provider: string;
  readonly subject: Buffer;
  readonly sealed: Buffer;
  readonly expiresAt: Instant;
};

/**
 * The reference by which this subject waits: the one it has, or the given one. Null when as many
 * wait as may, or the reference is another's.
 */
export async function putWaiting(
  db: Queryable,
  waiting: WaitingRow,
  max: number,
): Promise<string | null> {
  const [row] = await db.query<{ readonly reference: string }>(
    `WITH known AS (
        UPDATE identity.outside_waiting SET sealed = $4, expires_at = $5
        WHERE subject = $2 RETURNING reference
      ), made AS (
        INSERT INTO identity.outside_waiting (reference, subject, provider, sealed, expires_at)
        SELECT $1, $2, $3, $4, $5
        WHERE NOT EXISTS (SELECT 1 FROM known)
          AND (SELECT count(*) FROM identity.outside_waiting) < $6
        ON CONFLICT DO NOTHING RETURNING reference
      )
      SELECT reference FROM known UNION ALL SELECT reference FROM made`,
    [
      waiting.reference,
      waiting.subject,
      waiting.provider,
      waiting.sealed,
      toIso(waiting.expiresAt),
      max,
    ],
  );
  return row?.reference ?? null;
}

/** By their references. */
export function listWaiting(
  db: Queryable,
  now: Instant,
  max: number,
): Promise<readonly WaitingRow[]> {
  return db.query<WaitingRow>(
    `SELECT reference, provider, subject, sealed, expires_at AS "expiresAt"
      FROM identity.outside_waiting
      WHERE expires_at > $1 ORDER BY reference LIMIT $2`,
    [toIso(now), max],
  );
}

/** Takes one out; null when none waits by this reference. */
export async function takeWaiting(
  db: Queryable,
  reference: string,
  now: Instant,
): Promise<WaitingRow | null> {
  const [row] = await db.query<WaitingRow>(
    `DELETE FROM identity.outside_waiting WHERE reference = $1 AND expires_at > $2
      RETURNING reference, subject, provider, sealed, expires_at AS "expiresAt"`,
    [reference, toIso(now)],
  );
  return row ?? null;
}
