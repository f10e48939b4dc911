import { toIso, type Instant } from "#core/clock.ts";
import type { Queryable } from "#storage/database.ts";

export interface OutsideAttempt {
  /** Names the sign-in in the database. */
  readonly interaction: Buffer;
  readonly state: Buffer;
  readonly browser: Buffer;
  readonly sealed: Buffer;
  readonly expiresAt: Instant;
}

/** Replaces the attempt of this sign-in, so that only the newest can be answered. */
export async function putAttempt(db: Queryable, attempt: OutsideAttempt): Promise<void> {
  await db.query(
    `INSERT INTO identity.outside_attempt (interaction, state, browser, sealed, expires_at)
      VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (tenant, interaction) DO UPDATE SET state = excluded.state,
        browser = excluded.browser, sealed = excluded.sealed, result_sealed = NULL,
        expires_at = excluded.expires_at`,
    [attempt.interaction, attempt.state, attempt.browser, attempt.sealed, toIso(attempt.expiresAt)],
  );
}

export type TakenAttempt = { readonly interaction: Buffer; readonly sealed: Buffer };

/** Takes the state out: it is good for one answer, from the browser that began. Null when it fits none. */
export async function takeAttempt(
  db: Queryable,
  { state, browser }: Pick<OutsideAttempt, "state" | "browser">,
  now: Instant,
): Promise<TakenAttempt | null> {
  const [row] = await db.query<TakenAttempt>(
    `UPDATE identity.outside_attempt SET state = NULL, browser = NULL
      WHERE state = $1 AND browser = $2 AND expires_at > $3 RETURNING interaction, sealed`,
    [state, browser, toIso(now)],
  );
  return row ?? null;
}

/** Keeps what came of the attempt, unless the person began another meanwhile. */
export async function putResult(
  db: Queryable,
  interaction: Buffer,
  resultSealed: Buffer,
): Promise<void> {
  await db.query(
    `UPDATE identity.outside_attempt SET result_sealed = $2
      WHERE interaction = $1 AND state IS NULL`,
    [interaction, resultSealed],
  );
}

/** Whether something came of an attempt of this sign-in. */
export async function hasResult(
  db: Queryable,
  interaction: Buffer,
  now: Instant,
): Promise<boolean> {
  const [row] = await db.query<{ readonly found: boolean }>({
    name: "identity-outside-result",
    text: `SELECT result_sealed IS NOT NULL AS found FROM identity.outside_attempt
      WHERE interaction = $1 AND expires_at > $2`,
    values: [interaction, toIso(now)],
  });
  return row?.found ?? false;
}

/** Takes the result out: it is good for one sign-in. Null when there is none. */
export async function takeResult(
  db: Queryable,
  interaction: Buffer,
  now: Instant,
): Promise<Buffer | null> {
  const [row] = await db.query<{ readonly result: Buffer }>(
    `DELETE FROM identity.outside_attempt
      WHERE interaction = $1 AND expires_at > $2 AND result_sealed IS NOT NULL
      RETURNING result_sealed AS result`,
    [interaction, toIso(now)],
  );
  return row?.result ?? null;
}
