import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export type InvitationPurpose = "enrol" | "envelope";

export interface NewInvitation {
  readonly codeBlind: Buffer;
  readonly factBlind: Buffer | null;
  readonly purpose: InvitationPurpose;
  readonly account: AccountId;
  readonly madeBy: AccountId | null;
  readonly now: Instant;
  readonly expiresAt: Instant;
}

/** The codes of the account that were not used yet no longer work. */
export async function endInvitations(
  db: Queryable,
  account: AccountId,
  now: Instant,
): Promise<void> {
  await db.query(
    "UPDATE identity.invitation SET used_at = $2 WHERE account = $1 AND used_at IS NULL",
    [account, toIso(now)],
  );
}

export async function insertInvitation(db: Queryable, made: NewInvitation): Promise<void> {
  await endInvitations(db, made.account, made.now);
  await db.query(
    `INSERT INTO identity.invitation
        (code_blind, fact_blind, purpose, account, made_by, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      made.codeBlind,
      made.factBlind,
      made.purpose,
      made.account,
      made.madeBy,
      toIso(made.expiresAt),
    ],
  );
}

export type TakenInvitation = { readonly account: string; readonly purpose: InvitationPurpose };

type TriedRow = TakenInvitation & { readonly taken: boolean };

/**
 * Uses up the code if the second fact is right, else counts a failure; after `failuresMax` of them
 * the code is dead. One statement, so that of many guesses at once each is counted. Null unless taken.
 */
export async function tryInvitation(
  db: Queryable,
  tried: {
    readonly codeBlind: Buffer;
    readonly factBlind: Buffer;
    readonly now: Instant;
    readonly failuresMax: number;
  },
): Promise<TakenInvitation | null> {
  const [row] = await db.query<TriedRow>(
    `UPDATE identity.invitation SET
        used_at = CASE WHEN coalesce(fact_blind = $2, true) THEN $3::timestamptz END,
        failures = failures + CASE WHEN coalesce(fact_blind = $2, true) THEN 0 ELSE 1 END
      WHERE code_blind = $1 AND used_at IS NULL AND expires_at > $3 AND failures < $4
        AND account IS NOT NULL
      RETURNING account, purpose, used_at IS NOT NULL AS taken`,
    [tried.codeBlind, tried.factBlind, toIso(tried.now), tried.failuresMax],
  );
  return row?.taken === true ? row : null;
}

/** In the transaction that used the code up: it still serves. */
export async function giveBackInvitation(db: Queryable, codeBlind: Buffer): Promise<void> {
  await db.query("UPDATE identity.invitation SET used_at = NULL WHERE code_blind = $1", [
    codeBlind,
  ]);
}

/** Opens a sealed account for some hours: whether it was sealed. */
export async function openEnvelope(
  db: Queryable,
  account: AccountId,
  until: Instant,
): Promise<boolean> {
  const opened = await db.query(
    `UPDATE identity.account SET status = 'active', opened_until = $2
      WHERE id = $1 AND kind = 'break-glass' AND status = 'sealed' RETURNING id`,
    [account, toIso(until)],
  );
  return opened.length === 1;
}
