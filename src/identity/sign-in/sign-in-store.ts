import { toIso, type Instant } from "#core/clock.ts";
import type { Queryable } from "#storage/database.ts";

export interface SignInChallenge {
  readonly interaction: Buffer;
  readonly challenge: Buffer;
  readonly challengeEndsAt: Instant;
  readonly expiresAt: Instant;
}

/** Replaces the challenge of this sign-in, so that only the newest can be answered. */
export async function putChallenge(db: Queryable, put: SignInChallenge): Promise<void> {
  await db.query(
    `INSERT INTO identity.sign_in (interaction, challenge, challenge_ends_at, expires_at)
      VALUES ($1, $2, $3, $4)
      ON CONFLICT (tenant, interaction) DO UPDATE SET
        challenge = excluded.challenge, challenge_ends_at = excluded.challenge_ends_at`,
    [put.interaction, put.challenge, toIso(put.challengeEndsAt), toIso(put.expiresAt)],
  );
}

/** Takes the challenge out: it is good for one answer. Null when there is none, or it is too old. */
export async function takeChallenge(
  db: Queryable,
  interaction: Buffer,
  now: Instant,
): Promise<Buffer | null> {
  const [row] = await db.query<{ readonly challenge: Buffer | null }>(
    `WITH asked AS (
        SELECT tenant, interaction, challenge, challenge_ends_at FROM identity.sign_in
        WHERE interaction = $1 FOR UPDATE
      )
      UPDATE identity.sign_in SET challenge = NULL FROM asked
      WHERE sign_in.tenant = asked.tenant AND sign_in.interaction = asked.interaction
        AND asked.challenge_ends_at > $2
      RETURNING asked.challenge`,
    [interaction, toIso(now)],
  );
  return row?.challenge ?? null;
}

export interface GivenPassword {
  readonly interaction: Buffer;
  /** Null when the password was wrong: the step goes on all the same. */
  readonly account: string | null;
  readonly loginBlind: Buffer;
  readonly passwordEndsAt: Instant;
  readonly expiresAt: Instant;
}

export async function putPassword(db: Queryable, given: GivenPassword): Promise<void> {
  await db.query(
    `INSERT INTO identity.sign_in
        (interaction, password_account, login_blind, password_ends_at, expires_at)
      VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (tenant, interaction) DO UPDATE SET
        password_account = excluded.password_account, login_blind = excluded.login_blind,
        password_ends_at = excluded.password_ends_at`,
    [
      given.interaction,
      given.account,
      given.loginBlind,
      toIso(given.passwordEndsAt),
      toIso(given.expiresAt),
    ],
  );
}

export type TakenPassword = { readonly account: string | null; readonly loginBlind: Buffer };

/** Takes the password step out: each code needs the password anew. Null when none was given, or too long ago. */
export async function takePassword(
  db: Queryable,
  interaction: Buffer,
  now: Instant,
): Promise<TakenPassword | null> {
  const [row] = await db.query<TakenPassword>(
    `WITH given AS (
        SELECT tenant, interaction, password_account, login_blind, password_ends_at
        FROM identity.sign_in WHERE interaction = $1 FOR UPDATE
      )
      UPDATE identity.sign_in
      SET password_account = NULL, login_blind = NULL, password_ends_at = NULL
      FROM given
      WHERE sign_in.tenant = given.tenant AND sign_in.interaction = given.interaction
        AND given.password_ends_at > $2
      RETURNING given.password_account AS account, given.login_blind AS "loginBlind"`,
    [interaction, toIso(now)],
  );
  return row ?? null;
}

/** Counts one more failure of this sign-in and answers how many there are. */
export async function countFailure(
  db: Queryable,
  interaction: Buffer,
  expiresAt: Instant,
): Promise<number> {
  const [row] = await db.query<{ readonly failures: number }>(
    `INSERT INTO identity.sign_in AS known (interaction, failures, expires_at) VALUES ($1, 1, $2)
      ON CONFLICT (tenant, interaction) DO UPDATE SET failures = known.failures + 1
      RETURNING failures`,
    [interaction, toIso(expiresAt)],
  );
  return row?.failures ?? 0;
}

export async function failuresOf(db: Queryable, interaction: Buffer): Promise<number> {
  const [row] = await db.query<{ readonly failures: number }>(
    "SELECT failures FROM identity.sign_in WHERE interaction = $1",
    [interaction],
  );
  return row?.failures ?? 0;
}

export async function dropSignIn(db: Queryable, interaction: Buffer): Promise<void> {
  await db.query("DELETE FROM identity.sign_in WHERE interaction = $1", [interaction]);
}
