import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

type SeedRow = { readonly seed: Buffer };

/** The sealed seed; null when the account has none. */
export async function findSeed(db: Queryable, account: AccountId): Promise<Buffer | null> {
  const [row] = await db.query<SeedRow>(
    "SELECT seed_sealed AS seed FROM identity.totp WHERE account = $1",
    [account],
  );
  return row?.seed ?? null;
}

export async function insertSeed(db: Queryable, account: AccountId, sealed: Buffer): Promise<void> {
  await db.query("INSERT INTO identity.totp (account, seed_sealed, last_step) VALUES ($1, $2, 0)", [
    account,
    sealed,
  ]);
}

/** Whether this step was still unused; it, and all before it, are used from now on. */
export async function useStep(db: Queryable, account: AccountId, step: number): Promise<boolean> {
  const used = await db.query<{ readonly step: number }>(
    `UPDATE identity.totp SET last_step = $2 WHERE account = $1 AND last_step < $2
      RETURNING last_step AS step`,
    [account, step],
  );
  return used.length === 1;
}
