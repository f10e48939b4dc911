import type { AccountId } from "#core/ids.ts";
import type { PasswordHash } from "#identity/password/password.ts";
import type { Queryable } from "#storage/database.ts";

type PasswordRow = PasswordHash & { readonly account: string };

/** The active account of this user name with its password, by the name's blind hash. */
export async function findPassword(db: Queryable, loginBlind: Buffer): Promise<PasswordRow | null> {
  const [row] = await db.query<PasswordRow>({
    name: "identity-password",
    text: `SELECT account.id AS account, hash, salt, memory_kib AS "memoryKib", passes, lanes
      FROM identity.account
      JOIN identity.password ON password.tenant = account.tenant AND password.account = account.id
      WHERE login_blind = $1 AND status = 'active'`,
    values: [loginBlind],
  });
  return row ?? null;
}

export async function insertPassword(
  db: Queryable,
  account: AccountId,
  made: PasswordHash,
): Promise<void> {
  await db.query(
    `INSERT INTO identity.password (account, hash, salt, memory_kib, passes, lanes)
      VALUES ($1, $2, $3, $4, $5, $6)`,
    [account, made.hash, made.salt, made.memoryKib, made.passes, made.lanes],
  );
}
