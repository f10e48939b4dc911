import type { TenantId } from "#core/ids.ts";
import type { RewrappedKey } from "#core/key-service.ts";
import type { WrappedKey } from "#core/key-wire.ts";
import type { Queryable } from "#storage/database.ts";

/** A key's place in the table's order; the keeper goes through it page by page. */
export interface KeyCursor {
  readonly compartment: string;
  readonly dekVersion: number;
}

export interface KeyRow {
  readonly compartment: string;
  readonly dek_version: number;
  readonly kek_epoch: number;
  readonly wrapped: Buffer;
  readonly commitment: Buffer;
}

/** AES-256-GCM of 32 bytes: nonce, ciphertext, tag; the table takes no other length. */
const wrappedBytes = 60;

export function wrappedKeyOf(tenant: TenantId, row: KeyRow): WrappedKey {
  return {
    tenant,
    compartment: row.compartment,
    dekVersion: row.dek_version,
    kekEpoch: row.kek_epoch,
    wrapped: row.wrapped.toString("base64url"),
    commitment: row.commitment.toString("base64url"),
  };
}

/** How many keys are still wrapped under an epoch below this one. */
export async function countBelow(
  db: Queryable,
  tenant: TenantId,
  kekEpoch: number,
): Promise<number> {
  const [row] = await db.query<{ readonly count: number }>(
    "SELECT count(*) AS count FROM keyring.data_key WHERE tenant = $1 AND kek_epoch < $2",
    [tenant, kekEpoch],
  );
  return row?.count ?? 0;
}

/** The next keys behind the cursor (null: from the first) that are wrapped under an older epoch. */
export async function pageBelow(
  db: Queryable,
  { tenant, kekEpoch }: { readonly tenant: TenantId; readonly kekEpoch: number },
  after: KeyCursor | null,
  limit: number,
): Promise<readonly WrappedKey[]> {
  const rows = await db.query<KeyRow & Record<string, unknown>>({
    name: "keeper-page-below",
    text: `SELECT compartment, dek_version, kek_epoch, wrapped, commitment FROM keyring.data_key
      WHERE tenant = $1 AND (compartment, dek_version) > ($2, $3) AND kek_epoch < $4
      ORDER BY compartment, dek_version LIMIT $5`,
    values: [tenant, after?.compartment ?? "", after?.dekVersion ?? 0, kekEpoch, limit],
  });
  return rows.map((row) => wrappedKeyOf(tenant, row));
}

export type Rewrapped = Extract<RewrappedKey, { ok: true }> & KeyCursor;

/**
 * Puts keys in place under their new epoch, in one statement, and answers how many: one that was
 * destroyed meanwhile, or has a newer form already, stays as it is. All must be of one epoch. The
 * wrapped keys go as one binary parameter, as an array of them would be sent as escaped hex.
 */
export async function replaceWrapped(
  db: Queryable,
  { tenant, kekEpoch }: { readonly tenant: TenantId; readonly kekEpoch: number },
  keys: readonly Rewrapped[],
): Promise<number> {
  const [row] = await db.query<{ readonly count: number }>({
    name: "keeper-replace-wrapped",
    text: `WITH replaced AS (
        UPDATE keyring.data_key AS k
        SET kek_epoch = $2, wrapped = substring($5::bytea FROM (made.nth::integer - 1) * $6 + 1 FOR $6)
        FROM unnest($3::text[], $4::int[]) WITH ORDINALITY AS made (compartment, dek_version, nth)
        WHERE k.tenant = $1 AND k.compartment = made.compartment
          AND k.dek_version = made.dek_version AND k.kek_epoch < $2
        RETURNING 1)
      SELECT count(*) AS count FROM replaced`,
    values: [
      tenant,
      kekEpoch,
      keys.map(({ compartment }) => compartment),
      keys.map(({ dekVersion }) => dekVersion),
      joined(keys),
      wrappedBytes,
    ],
  });
  return row?.count ?? 0;
}

function joined(keys: readonly Rewrapped[]): Buffer {
  const all = Buffer.alloc(keys.length * wrappedBytes);
  keys.forEach(({ wrapped }, i) => all.write(wrapped, i * wrappedBytes, wrappedBytes, "base64url"));
  return all;
}

/** How many keys each epoch wraps, rising by epoch. */
export async function countByEpoch(
  db: Queryable,
  tenant: TenantId,
): Promise<readonly { readonly kekEpoch: number; readonly keys: number }[]> {
  const rows = await db.query<{ readonly kek_epoch: number; readonly count: number }>(
    `SELECT kek_epoch, count(*) AS count FROM keyring.data_key
     WHERE tenant = $1 GROUP BY kek_epoch ORDER BY kek_epoch`,
    [tenant],
  );
  return rows.map((row) => ({ kekEpoch: row.kek_epoch, keys: row.count }));
}

/** How many compartments have a key; the organisation's own is one of them. */
export async function countCompartments(db: Queryable, tenant: TenantId): Promise<number> {
  const [row] = await db.query<{ readonly count: number }>(
    `SELECT count(DISTINCT compartment) AS count FROM keyring.data_key WHERE tenant = $1`,
    [tenant],
  );
  return row?.count ?? 0;
}

/**
 * From when this returns on, no key under an epoch below this one is stored any more: it waits for
 * the transactions that are about to. The caller runs it in a transaction.
 */
export async function raiseEpochFloor(tx: Queryable, kekEpoch: number): Promise<void> {
  await tx.query("LOCK TABLE keyring.data_key IN SHARE ROW EXCLUSIVE MODE");
  await tx.query(
    `INSERT INTO keyring.epoch_floor AS floor (epoch) VALUES ($1)
     ON CONFLICT (tenant) DO UPDATE SET epoch = greatest(floor.epoch, excluded.epoch)`,
    [kekEpoch],
  );
}

/** Identity's own key as it lies beside its secrets; the database role of the keeper sees no other. */
const identityKeyName = "wrapped-key";

/** The stored JSON of identity's wrapped key; null before identity's first start. */
export async function readIdentityKey(db: Queryable): Promise<string | null> {
  const [row] = await db.query<{ readonly sealed: Buffer }>(
    "SELECT sealed FROM identity.secret WHERE name = $1",
    [identityKeyName],
  );
  return row?.sealed.toString("utf8") ?? null;
}

/** Replaces identity's wrapped key if it still is `before`; false when it is not. */
export async function replaceIdentityKey(
  db: Queryable,
  before: string,
  after: string,
): Promise<boolean> {
  const rows = await db.query(
    "UPDATE identity.secret SET sealed = $3 WHERE name = $1 AND sealed = $2 RETURNING name",
    [identityKeyName, Buffer.from(before), Buffer.from(after)],
  );
  return rows.length === 1;
}
