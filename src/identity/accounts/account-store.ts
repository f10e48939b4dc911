import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export type AccountRow = {
  readonly id: string;
  readonly displayName: Buffer;
  readonly roles: readonly string[];
  readonly patients: readonly string[];
  readonly practitioner: string | null;
  readonly status: string;
  readonly language: string | null;
  readonly kind: string;
  readonly departments: readonly string[];
  readonly assurance: string;
  readonly openedUntil: Instant | null;
  readonly createdAt: Instant;
};

export const accountColumns = `id, display_name_sealed AS "displayName", roles, patients,
  practitioner, status, language, kind, departments, assurance, opened_until AS "openedUntil",
  created_at AS "createdAt"`;

/** Those of the accounts that are there, in no order. */
export async function findAccountRows(
  db: Queryable,
  accounts: readonly AccountId[],
): Promise<readonly AccountRow[]> {
  if (accounts.length === 0) return [];
  return db.query<AccountRow>({
    name: "identity-accounts",
    text: `SELECT ${accountColumns} FROM identity.account WHERE id = ANY ($1::uuid[])`,
    values: [accounts],
  });
}

export async function findAccountRow(db: Queryable, id: AccountId): Promise<AccountRow | null> {
  const [row] = await findAccountRows(db, [id]);
  return row ?? null;
}

type IdRow = { readonly id: string };

export async function setLanguage(db: Queryable, id: AccountId, language: string): Promise<void> {
  await db.query("UPDATE identity.account SET language = $2 WHERE id = $1", [id, language]);
}

/** The id of the account that another system knows by this name, by the name's blind hash. */
export async function findByExternalId(db: Queryable, blind: Buffer): Promise<string | null> {
  const [row] = await db.query<IdRow>("SELECT id FROM identity.account WHERE external_blind = $1", [
    blind,
  ]);
  return row?.id ?? null;
}

export interface NewAccountRow {
  readonly id: AccountId;
  readonly externalBlind: Buffer | null;
  readonly loginBlind: Buffer | null;
  readonly displayNameSealed: Buffer;
  readonly loginSealed: Buffer | null;
  readonly roles: readonly string[];
  readonly patients: readonly string[];
  readonly practitioner: string | null;
  readonly createdAt: Instant;
  readonly kind: string;
  readonly status: string;
  readonly departments: readonly string[];
  readonly nameBlind: readonly Buffer[];
}

/** Whether it was stored: false when the external id or the user name is another account's. */
export async function insertAccount(db: Queryable, account: NewAccountRow): Promise<boolean> {
  const stored = await db.query<IdRow>(
    `INSERT INTO identity.account (id, external_blind, login_blind, display_name_sealed,
        login_sealed, roles, patients, practitioner, status, created_at, kind, departments,
        name_blind)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
      ON CONFLICT DO NOTHING RETURNING id`,
    [
      account.id,
      account.externalBlind,
      account.loginBlind,
      account.displayNameSealed,
      account.loginSealed,
      account.roles,
      account.patients,
      account.practitioner,
      account.status,
      toIso(account.createdAt),
      account.kind,
      account.departments,
      account.nameBlind,
    ],
  );
  return stored.length === 1;
}

/** Closes an account, where there is one of this id: its sessions end with it. */
export async function closeAccount(db: Queryable, id: AccountId): Promise<void> {
  await db.query("UPDATE identity.account SET status = 'closed' WHERE id = $1", [id]);
}
