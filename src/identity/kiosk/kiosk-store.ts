import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export interface NewKiosk {
  readonly id: AccountId;
  /** FHIR id of a Location. */
  readonly location: string;
  readonly by: AccountId;
  readonly codeBlind: Buffer;
  readonly codeEndsAt: Instant;
  readonly now: Instant;
}

export async function insertKiosk(tx: Queryable, kiosk: NewKiosk): Promise<void> {
  await tx.query(
    `INSERT INTO identity.kiosk (id, location, created_at, created_by, code_blind, code_ends_at)
      VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      kiosk.id,
      kiosk.location,
      toIso(kiosk.now),
      kiosk.by,
      kiosk.codeBlind,
      toIso(kiosk.codeEndsAt),
    ],
  );
}

export type KioskRow = {
  readonly id: string;
  readonly location: string;
  readonly isSetUp: boolean;
};

const columns = `id, location, jkt IS NOT NULL AS "isSetUp"`;

/** Those that were not withdrawn, by location. */
export function kiosks(db: Queryable, limit: number): Promise<readonly KioskRow[]> {
  return db.query<KioskRow>(
    `SELECT ${columns} FROM identity.kiosk WHERE withdrawn_at IS NULL ORDER BY location, id LIMIT $1`,
    [limit],
  );
}

/** The kiosk of this key; null when it is none's, or was withdrawn. */
export async function kioskOfKey(db: Queryable, jkt: string): Promise<KioskRow | null> {
  const [row] = await db.query<KioskRow>(
    `SELECT ${columns} FROM identity.kiosk WHERE jkt = $1 AND withdrawn_at IS NULL`,
    [jkt],
  );
  return row ?? null;
}

/** The kiosk that waits for this code, held until the transaction ends; null when none does. */
export async function kioskOfCode(
  tx: Queryable,
  codeBlind: Buffer,
  now: Instant,
): Promise<KioskRow | null> {
  const [row] = await tx.query<KioskRow>(
    `SELECT ${columns} FROM identity.kiosk
      WHERE code_blind = $1 AND code_ends_at > $2 AND withdrawn_at IS NULL AND jkt IS NULL FOR UPDATE`,
    [codeBlind, toIso(now)],
  );
  return row ?? null;
}

/** Ties the kiosk to this key; its code is used up. */
export async function setUpKiosk(tx: Queryable, id: string, jkt: string): Promise<void> {
  await tx.query(
    "UPDATE identity.kiosk SET jkt = $2, code_blind = NULL, code_ends_at = NULL WHERE id = $1",
    [id, jkt],
  );
}

/** False when there is none of this id, or it was withdrawn before. */
export async function withdrawKiosk(tx: Queryable, id: AccountId, now: Instant): Promise<boolean> {
  const rows = await tx.query<{ readonly id: string }>(
    `UPDATE identity.kiosk SET withdrawn_at = $2, code_blind = NULL, code_ends_at = NULL
      WHERE id = $1 AND withdrawn_at IS NULL RETURNING id`,
    [id, toIso(now)],
  );
  return rows.length === 1;
}
