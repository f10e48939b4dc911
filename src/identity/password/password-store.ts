import type { AccountId } from "#core/ids.ts";
import type { PasswordCost, PasswordHash } from "#identity/password/password.ts";
import type { Queryable } from "#storage/database.ts";

type PasswordRow = PasswordHash & { readonly account: string };

interface StoredRow {
  readonly account: string;
  readonly hash: Buffer;
  readonly salt: Buffer;
  readonly kdf: PasswordCost["kdf"];
  readonly memoryKib: number | null;
  readonly passes: number;
  readonly lanes: number | null;
}

function costOf({ kdf, memoryKib, passes, lanes }: StoredRow): PasswordCost {
  // The table lets argon2id have neither null.
  return kdf === "argon2id"
    ? { kdf, memoryKib: memoryKib ?? 0, passes, lanes: lanes ?? 0 }
    : { kdf, passes };
}

/** The active account of this user name with its password, by the name's blind hash. */
export async function findPassword(db: Queryable, loginBlind: Buffer): Promise<PasswordRow | null> {
  const [row] = await db.query<StoredRow>({
    name: "identity-password",
    text: `SELECT account.id AS account, hash, salt, kdf, memory_kib AS "memoryKib", passes, lanes
      FROM identity.account
      JOIN identity.password ON password.tenant = account.tenant AND password.account = account.id
      WHERE login_blind = $1 AND status = 'active'`,
    values: [loginBlind],
  });
  if (row === undefined) return null;
  const { account, hash, salt } = row;
  return { account, hash, salt, cost: costOf(row) };
}

export async function insertPassword(
  db: Queryable,
  account: AccountId,
  { hash, salt, cost }: PasswordHash,
): Promise<void> {
  const { memoryKib, lanes } = cost.kdf === "argon2id" ? cost : { memoryKib: null, lanes: null };
  await db.query(
    `INSERT INTO identity.password (account, hash, salt, kdf, memory_kib, passes, lanes)
      VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [account, hash, salt, cost.kdf, memoryKib, cost.passes, lanes],
  );
}
