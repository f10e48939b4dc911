import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";

export interface NewLink {
  readonly tokenHash: Buffer;
  readonly account: AccountId;
  readonly now: Instant;
  readonly expiresAt: Instant;
  readonly use: LinkUse;
}

/** What a link is for. */
export type LinkUse =
  | { readonly purpose: "invitation" | "second-device" }
  /** Ends the recovery of this id. */
  | { readonly purpose: "recovery"; readonly recovery: string };

/** Stores a link; those of the account for the same purpose that were not used yet no longer work. */
export async function insertLink(db: Queryable, link: NewLink): Promise<void> {
  await db.query(
    `UPDATE identity.enrolment SET used_at = $2
      WHERE account = $1 AND purpose = $3 AND used_at IS NULL`,
    [link.account, toIso(link.now), link.use.purpose],
  );
  await db.query(
    `INSERT INTO identity.enrolment (token_hash, account, expires_at, purpose, recovery)
      VALUES ($1, $2, $3, $4, $5)`,
    [
      link.tokenHash,
      link.account,
      toIso(link.expiresAt),
      link.use.purpose,
      link.use.purpose === "recovery" ? link.use.recovery : null,
    ],
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

/** No link of the account works any more, whatever it was for. */
export async function burnLinksOf(db: Queryable, account: AccountId, now: Instant): Promise<void> {
  await db.query(
    "UPDATE identity.enrolment SET used_at = $2 WHERE account = $1 AND used_at IS NULL",
    [account, toIso(now)],
  );
}

type BurntRow = { readonly purpose: LinkUse["purpose"]; readonly recovery: string | null };

/** What the link was for; from now on it is used. Null when it was used before. */
export async function burnLink(
  db: Queryable,
  tokenHash: Buffer,
  now: Instant,
): Promise<LinkUse | null> {
  const [burnt] = await db.query<BurntRow>(
    `UPDATE identity.enrolment SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL
      RETURNING purpose, recovery`,
    [tokenHash, toIso(now)],
  );
  if (burnt === undefined) return null;
  const { purpose, recovery } = burnt;
  if (purpose !== "recovery") return { purpose };
  invariant(recovery !== null, "a recovery's link names its recovery");
  return { purpose, recovery };
}
