import type { Queryable } from "#storage/database.ts";

/** The secret in which the signing keys lie. */
export const signingSecret = "signing";

/** What a secret of this name is sealed for. */
export const secretPurpose = (name: string): string => `identity-secret:${name}`;

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

/** Puts another sealed value in the place of this very one; false when it is not there any more. */
export async function replaceSecret(
  db: Queryable,
  name: string,
  before: Buffer,
  after: Buffer,
): Promise<boolean> {
  const replaced = await db.query<SecretRow>(
    "UPDATE identity.secret SET sealed = $3 WHERE name = $1 AND sealed = $2 RETURNING sealed",
    [name, before, after],
  );
  return replaced.length === 1;
}
