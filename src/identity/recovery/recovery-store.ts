import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export interface NewRecovery {
  readonly id: string;
  readonly tokenHash: Buffer;
  /** Null for a recovery that looks like one and never ends in anything. */
  readonly account: string | null;
  readonly way: "code" | "staff";
  readonly now: Instant;
  readonly readyAt: Instant;
  readonly expiresAt: Instant;
  readonly proofedBy: AccountId | null;
  readonly proofingSealed: Buffer | null;
}

/** Stores it and, in the same statement, the notice for the person: as quick for nobody's as for hers. */
export async function insertRecovery(db: Queryable, recovery: NewRecovery): Promise<void> {
  await db.query(
    `WITH told AS (
        INSERT INTO identity.notice (account, kind, at)
        SELECT $3::uuid, 'recovery-begun', $5::timestamptz WHERE $3::uuid IS NOT NULL
      )
      INSERT INTO identity.recovery (id, token_hash, account, way, state, begun_at, ready_at,
        expires_at, proofed_by, proofing_sealed)
      VALUES ($1, $2, $3::uuid, $4, 'waiting', $5::timestamptz, $6, $7, $8, $9)`,
    [
      recovery.id,
      recovery.tokenHash,
      recovery.account,
      recovery.way,
      toIso(recovery.now),
      toIso(recovery.readyAt),
      toIso(recovery.expiresAt),
      recovery.proofedBy,
      recovery.proofingSealed,
    ],
  );
}

export type RecoveryRow = {
  readonly id: string;
  readonly account: string | null;
  readonly state: "waiting" | "cancelled" | "allowed" | "finished";
  readonly way: "code" | "staff";
  readonly begunAt: Instant;
  readonly readyAt: Instant;
  readonly expiresAt: Instant;
};

const columns = `id, account, state, way, begun_at AS "begunAt", ready_at AS "readyAt",
  expires_at AS "expiresAt"`;

export async function findRecovery(db: Queryable, tokenHash: Buffer): Promise<RecoveryRow | null> {
  const [row] = await db.query<RecoveryRow>(
    `SELECT ${columns} FROM identity.recovery WHERE token_hash = $1`,
    [tokenHash],
  );
  return row ?? null;
}

/** Recoveries of the account that are under way, newest first. */
export async function openRecoveriesOf(
  db: Queryable,
  account: AccountId,
  now: Instant,
): Promise<readonly RecoveryRow[]> {
  return db.query<RecoveryRow>(
    `SELECT ${columns} FROM identity.recovery
      WHERE account = $1 AND state IN ('waiting', 'allowed') AND expires_at > $2
      ORDER BY begun_at DESC, id`,
    [account, toIso(now)],
  );
}

/** Whether it was still open and its waiting time is over: it may be ended from now on. */
export async function allowRecovery(db: Queryable, id: string, now: Instant): Promise<boolean> {
  const allowed = await db.query<{ readonly id: string }>(
    `UPDATE identity.recovery SET state = 'allowed'
      WHERE id = $1 AND state IN ('waiting', 'allowed') AND ready_at <= $2 AND expires_at > $2
      RETURNING id`,
    [id, toIso(now)],
  );
  return allowed.length === 1;
}

/** Whether it was open; its link works no more. */
export async function cancelRecovery(
  tx: Queryable,
  account: AccountId,
  id: string,
  now: Instant,
): Promise<boolean> {
  const cancelled = await tx.query<{ readonly id: string }>(
    `UPDATE identity.recovery SET state = 'cancelled'
      WHERE id = $1 AND account = $2 AND state IN ('waiting', 'allowed') RETURNING id`,
    [id, account],
  );
  await tx.query(
    "UPDATE identity.enrolment SET used_at = $2 WHERE recovery = $1 AND used_at IS NULL",
    [id, toIso(now)],
  );
  return cancelled.length === 1;
}

/** Whether it was allowed and not called off: from now on it is finished. */
export async function finishRecovery(tx: Queryable, id: string): Promise<boolean> {
  const finished = await tx.query<{ readonly id: string }>(
    "UPDATE identity.recovery SET state = 'finished' WHERE id = $1 AND state = 'allowed' RETURNING id",
    [id],
  );
  return finished.length === 1;
}

/** Closes the account's other recoveries: whoever began them, the account is its owner's again. */
export async function closeRecoveries(tx: Queryable, account: AccountId): Promise<void> {
  await tx.query(
    `UPDATE identity.recovery SET state = 'cancelled'
      WHERE account = $1 AND state IN ('waiting', 'allowed')`,
    [account],
  );
}

/** Takes away every way in but the one new passkey: other passkeys, password, codes. */
export async function forgetFactors(
  tx: Queryable,
  account: AccountId,
  kept: Buffer,
): Promise<void> {
  await tx.query("DELETE FROM identity.passkey WHERE account = $1 AND credential_id <> $2", [
    account,
    kept,
  ]);
  for (const table of ["password", "totp", "recovery_code"])
    await tx.query(`DELETE FROM identity.${table} WHERE account = $1`, [account]);
}
