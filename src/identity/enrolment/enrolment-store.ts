import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export interface NewLink {
  readonly tokenHash: Buffer;
  readonly account: AccountId;
  readonly now: Instant;
  readonly expiresAt: Instant;
}

/** Stores a link; those of the account that were not used yet no longer work. */
export async function insertLink(db: Queryable, link: NewLink): Promise<void> {
  await db.query(
    "UPDATE identity.enrolment SET used_at = $2 WHERE account = $1 AND used_at IS NULL",
    [link.account, toIso(link.now)],
  );
  await db.query(
    "INSERT INTO identity.enrolment (token_hash, account, expires_at) VALUES ($1, $2, $3)",
    [link.tokenHash, link.account, toIso(link.expiresAt)],
  );
}

type LinkRow = { readonly account: string };

/** Sets the challenge of a link that still works, and answers whose it is; null when none works. */
export async function challengeLink(
  db: Queryable,
  tokenHash: Buffer,
  asked: { readonly challenge: Buffer; readonly endsAt: Instant; readonly now: Instant },
): Promise<string | null> {
  const [row] = await db.query<LinkRow>(
    `UPDATE identity.enrolment SET challenge = $2, challenge_ends_at = $3
      WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $4 RETURNING account`,
    [tokenHash, asked.challenge, toIso(asked.endsAt), toIso(asked.now)],
  );
  return row?.account ?? null;
}

export type ChallengedLink = LinkRow & { readonly challenge: Buffer };

/** Takes the challenge out of a link that still works; null when there is none, or it is too old. */
export async function takeLinkChallenge(
  db: Queryable,
  tokenHash: Buffer,
  now: Instant,
): Promise<ChallengedLink | null> {
  const [row] = await db.query<ChallengedLink>(
    `WITH asked AS (
        SELECT tenant, token_hash, challenge FROM identity.enrolment
        WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
          AND challenge_ends_at > $2 AND challenge IS NOT NULL
        FOR UPDATE
      )
      UPDATE identity.enrolment SET challenge = NULL FROM asked
      WHERE enrolment.tenant = asked.tenant AND enrolment.token_hash = asked.token_hash
      RETURNING enrolment.account, asked.challenge`,
    [tokenHash, toIso(now)],
  );
  return row ?? null;
}

/** Whether the link was still unused; from now on it is used. */
export async function burnLink(db: Queryable, tokenHash: Buffer, now: Instant): Promise<boolean> {
  const burnt = await db.query<LinkRow>(
    `UPDATE identity.enrolment SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL
      RETURNING account`,
    [tokenHash, toIso(now)],
  );
  return burnt.length === 1;
}
