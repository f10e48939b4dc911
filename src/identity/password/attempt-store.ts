import { toIso, type Instant } from "#core/clock.ts";
import { invariant } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";

export interface AttemptCharge {
  readonly subject: Buffer;
  /** A fresh uuid: names this guess. */
  readonly charge: string;
  readonly now: Instant;
  readonly forgottenAt: Instant;
  /** Delay in ms after so many failures as its index says; the last stands for all beyond. */
  readonly delaysMs: readonly number[];
}

type ChargedRow = { readonly allowed: boolean; readonly blockedUntil: Instant };

/**
 * Counts one more failure, unless the subject is blocked: then nothing is counted, so that waiting
 * is enough. `allowed` says whether the guess may be made. One statement, so that of many guesses
 * at once each meets what the one before it left.
 */
export async function chargeAttempt(db: Queryable, charge: AttemptCharge): Promise<ChargedRow> {
  const [row] = await db.query<ChargedRow>({
    name: "identity-charge",
    text: `INSERT INTO identity.attempt AS known
        (subject, failures, blocked_until, charge, forgotten_at)
      VALUES ($1, 1, $2::timestamptz + ($4::bigint[])[2] * interval '1 millisecond', $5, $3)
      ON CONFLICT (tenant, subject) DO UPDATE SET
        failures = CASE WHEN known.blocked_until > $2 THEN known.failures
          ELSE known.failures + 1 END,
        blocked_until = CASE WHEN known.blocked_until > $2 THEN known.blocked_until
          ELSE $2::timestamptz + ($4::bigint[])[
            least(known.failures + 2, cardinality($4::bigint[]))] * interval '1 millisecond' END,
        charge = CASE WHEN known.blocked_until > $2 THEN known.charge ELSE excluded.charge END,
        forgotten_at = excluded.forgotten_at
      RETURNING charge = $5 AS allowed, blocked_until AS "blockedUntil"`,
    values: [
      charge.subject,
      toIso(charge.now),
      toIso(charge.forgottenAt),
      charge.delaysMs,
      charge.charge,
    ],
  });
  invariant(row !== undefined, "charging an attempt answers one row");
  return row;
}

/** Takes one failure back, with the block it brought. */
export async function refundAttempt(db: Queryable, subject: Buffer, now: Instant): Promise<void> {
  await db.query(
    `UPDATE identity.attempt SET failures = greatest(failures - 1, 0), blocked_until = $2
      WHERE subject = $1`,
    [subject, toIso(now)],
  );
}

export async function forgetAttempts(db: Queryable, subject: Buffer): Promise<void> {
  await db.query("DELETE FROM identity.attempt WHERE subject = $1", [subject]);
}
