import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { accountColumns, type AccountRow } from "#identity/accounts/account-store.ts";
import type { Queryable } from "#storage/database.ts";

export interface PeopleQuery {
  /** HMACs of how the words of the name begin; none for everybody. */
  readonly nameBlind: readonly Buffer[];
  /** Goes on after this account, which is older than those before it. */
  readonly after: AccountId | null;
  readonly limit: number;
}

/** Newest first; services are no people. */
export async function findPeopleRows(
  db: Queryable,
  { nameBlind, after, limit }: PeopleQuery,
): Promise<readonly AccountRow[]> {
  return db.query<AccountRow>(
    `SELECT ${accountColumns} FROM identity.account
      WHERE kind <> 'service' AND ($1::bytea[] = '{}' OR name_blind @> $1)
        AND ($2::uuid IS NULL OR (created_at, id) <
          (SELECT created_at, id FROM identity.account WHERE id = $2))
      ORDER BY created_at DESC, id DESC LIMIT $3`,
    [nameBlind, after, limit],
  );
}

export interface AccountChange {
  readonly displayNameSealed: Buffer | null;
  readonly nameBlind: readonly Buffer[] | null;
  readonly roles: readonly string[] | null;
  readonly departments: readonly string[] | null;
  readonly assurance: string | null;
  readonly proofingSealed: Buffer | null;
  readonly status: "active" | "suspended" | null;
}

/** What is null stays as it is. Whether there was such an account that has not left and lies in no envelope. */
export async function changeAccountRow(
  db: Queryable,
  id: AccountId,
  change: AccountChange,
): Promise<boolean> {
  const changed = await db.query(
    `UPDATE identity.account SET
        display_name_sealed = coalesce($2::bytea, display_name_sealed),
        name_blind = coalesce($3::bytea[], name_blind),
        roles = coalesce($4::text[], roles),
        departments = coalesce($5::text[], departments),
        assurance = coalesce($6::text, assurance),
        proofing_sealed = coalesce($7::bytea, proofing_sealed),
        status = coalesce($8::text, status)
      WHERE id = $1 AND kind <> 'service' AND status <> 'closed'
        AND (status <> 'sealed' OR $8::text IS NULL)
      RETURNING id`,
    [
      id,
      change.displayNameSealed,
      change.nameBlind,
      change.roles,
      change.departments,
      change.assurance,
      change.proofingSealed,
      change.status,
    ],
  );
  return changed.length === 1;
}

/** All by which the account could sign in is gone: passkeys, password, codes, links and codes on paper. */
export async function dropKeys(db: Queryable, id: AccountId, now: Instant): Promise<void> {
  for (const table of ["passkey", "password", "totp", "recovery_code", "outside_subject"])
    await db.query(`DELETE FROM identity.${table} WHERE account = $1`, [id]);
  for (const table of ["enrolment", "invitation"])
    await db.query(
      `UPDATE identity.${table} SET used_at = $2 WHERE account = $1 AND used_at IS NULL`,
      [id, toIso(now)],
    );
  await db.query(
    `UPDATE identity.recovery SET state = 'cancelled'
      WHERE account = $1 AND state IN ('waiting', 'allowed')`,
    [id],
  );
}

/** Sets the account's status for good or until its envelope is opened; whether there was such an account. */
export async function setStatus(
  db: Queryable,
  id: AccountId,
  status: "closed" | "sealed",
): Promise<boolean> {
  const set = await db.query(
    `UPDATE identity.account SET status = $2, opened_until = NULL
      WHERE id = $1 AND kind <> 'service' AND status <> 'closed'
        AND ($2 = 'closed' OR kind = 'break-glass') RETURNING id`,
    [id, status],
  );
  return set.length === 1;
}

/** The devices stand on the lowest rung from now on; ends what the account was granted by others. */
export async function dropRights(db: Queryable, id: AccountId, now: Instant): Promise<void> {
  await db.query("UPDATE identity.device SET level = 0 WHERE account = $1", [id]);
  await db.query(
    "UPDATE identity.proxy_grant SET ended_at = $2 WHERE proxy = $1 AND ended_at IS NULL",
    [id, toIso(now)],
  );
}

/** Those of the accounts that have something to sign in with. */
export async function findEnrolled(
  db: Queryable,
  accounts: readonly AccountId[],
): Promise<ReadonlySet<string>> {
  if (accounts.length === 0) return new Set();
  const rows = await db.query<{ readonly account: string }>(
    `SELECT account FROM identity.passkey WHERE account = ANY ($1::uuid[])
      UNION SELECT account FROM identity.password WHERE account = ANY ($1::uuid[])
      UNION SELECT account FROM identity.outside_subject WHERE account = ANY ($1::uuid[])`,
    [accounts],
  );
  return new Set(rows.map(({ account }) => account));
}

type UnnamedRow = { readonly id: string; readonly displayName: Buffer };

/** Accounts that cannot be found by name, as they were made before names were indexed. */
export async function findUnnamedRows(
  db: Queryable,
  limit: number,
): Promise<readonly UnnamedRow[]> {
  return db.query<UnnamedRow>(
    `SELECT id, display_name_sealed AS "displayName" FROM identity.account
      WHERE name_blind IS NULL ORDER BY id LIMIT $1`,
    [limit],
  );
}

/** A name that was changed meanwhile keeps the index that it got then. */
export async function nameRows(
  tx: Queryable,
  rows: readonly { readonly id: AccountId; readonly nameBlind: readonly Buffer[] }[],
): Promise<void> {
  const named = rows.map(({ id, nameBlind }) =>
    tx.query({
      name: "identity-name-account",
      text: "UPDATE identity.account SET name_blind = $2 WHERE id = $1 AND name_blind IS NULL",
      values: [id, nameBlind],
    }),
  );
  await Promise.all(named);
}

/** Whoever is given somebody to act for is given the role in which it is done. */
export async function addProxyRole(db: Queryable, id: AccountId): Promise<void> {
  await db.query(
    `UPDATE identity.account SET roles = array_append(roles, 'proxy')
      WHERE id = $1 AND NOT 'proxy' = ANY (roles)`,
    [id],
  );
}
