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

// A guess without a delay blocks nobody: not even one that read the clock just before it and came after.
const isBlocked = `known.blocked_until > $2
  AND ($4::bigint[])[least(known.failures + 1, cardinality($4::bigint[]))] > 0`;

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
        failures = CASE WHEN ${isBlocked} THEN known.failures ELSE known.failures + 1 END,
        blocked_until = CASE WHEN ${isBlocked} THEN known.blocked_until
          ELSE $2::timestamptz + ($4::bigint[])[
            least(known.failures + 2, cardinality($4::bigint[]))] * interval '1 millisecond' END,
        charge = CASE WHEN ${isBlocked} THEN known.charge ELSE excluded.charge END,
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
export async function refundAttempt(db: Queryable, subject: Buffer): Promise<void> {
  await db.query(
    `UPDATE identity.attempt SET failures = greatest(failures - 1, 0),
        blocked_until = to_timestamp(0)
      WHERE subject = $1`,
    [subject],
  );
}

export async function forgetAttempts(db: Queryable, subject: Buffer): Promise<void> {
  await db.query("DELETE FROM identity.attempt WHERE subject = $1", [subject]);
}
