import type { Queryable } from "#storage/database.ts";

type SecretRow = { readonly sealed: Buffer };

/** Null when no secret of this name was made yet. */
export async function findSecret(db: Queryable, name: string): Promise<Buffer | null> {
  const [row] = await db.query<SecretRow>("SELECT sealed FROM identity.secret WHERE name = $1", [
    name,
  ]);
  return row?.sealed ?? null;
}

/** Stores it unless another copy of this process was first; either way the stored one is found after. */
export async function offerSecret(db: Queryable, name: string, sealed: Buffer): Promise<void> {
  await db.query(
    "INSERT INTO identity.secret (name, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    [name, sealed],
  );
}
