import type { TenantId } from "#core/ids.ts";
import type { WrappedKey } from "#core/key-wire.ts";
import type { Queryable } from "#storage/database.ts";
import { wrappedKeyOf, type KeyRow } from "#vault/store.ts";

/** A key's name within its tenant. */
export interface KeyCursor {
  readonly compartment: string;
  readonly dekVersion: number;
}

/** AES-256-GCM of 32 bytes: nonce, ciphertext, tag; the table takes no other length. */
const wrappedBytes = 60;

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

/** How many blocks the table has now; rows that are added or moved later may lie beyond them. */
export async function countBlocks(db: Queryable): Promise<number> {
  const [row] = await db.query<{ readonly blocks: number }>(
    `SELECT pg_relation_size('keyring.data_key') / current_setting('block_size')::bigint AS blocks`,
  );
  return row?.blocks ?? 0;
}

/** Keys of neighbouring blocks; `places` says where in the table each of them lay when it was read. */
export interface PlacedKeys {
  readonly keys: readonly WrappedKey[];
  readonly places: readonly string[];
}

/**
 * The keys in a range of blocks that are wrapped under an older epoch. By place and not by name:
 * names are random, so in their order each row would be a page of its own.
 */
export async function keysInBlocks(
  db: Queryable,
  { tenant, kekEpoch }: { readonly tenant: TenantId; readonly kekEpoch: number },
  from: number,
  blocks: number,
): Promise<PlacedKeys> {
  const rows = await db.query<KeyRow & { readonly place: string } & Record<string, unknown>>({
    name: "keeper-keys-in-blocks",
    text: `SELECT ctid::text AS place, compartment, dek_version, kek_epoch, wrapped, commitment
      FROM keyring.data_key
      WHERE ctid >= format('(%s,0)', $3::bigint)::tid AND ctid < format('(%s,0)', $4::bigint)::tid
        AND tenant = $1 AND kek_epoch < $2`,
    values: [tenant, kekEpoch, from, from + blocks],
  });
  return {
    keys: rows.map((row) => wrappedKeyOf(tenant, row)),
    places: rows.map(({ place }) => place),
  };
}

export interface RewrappedKeyAt extends KeyCursor {
  readonly place: string;
  /** base64url. */
  readonly wrapped: string;
}

/**
 * Puts keys in place under their new epoch, in one statement, and answers how many: one that was
 * destroyed, moved or replaced since it was read stays as it is. The wrapped keys go as one binary
 * parameter, as an array of them would be sent as escaped hex.
 */
export async function replaceWrapped(
  db: Queryable,
  { tenant, kekEpoch }: { readonly tenant: TenantId; readonly kekEpoch: number },
  keys: readonly RewrappedKeyAt[],
): Promise<number> {
  const [row] = await db.query<{ readonly count: number }>({
    name: "keeper-replace-wrapped",
    text: `WITH replaced AS (
        UPDATE keyring.data_key AS k
        SET kek_epoch = $2, wrapped = substring($6::bytea FROM (made.nth::integer - 1) * $7 + 1 FOR $7)
        FROM unnest(string_to_array($3, ' ')::tid[], string_to_array($4, ' '), $5::int[]) WITH ORDINALITY
          AS made (place, compartment, dek_version, nth)
        WHERE k.ctid = made.place AND k.compartment = made.compartment
          AND k.dek_version = made.dek_version AND k.tenant = $1 AND k.kek_epoch < $2
        RETURNING 1)
      SELECT count(*) AS count FROM replaced`,
    values: [
      tenant,
      kekEpoch,
      // Neither has a blank in it; a list of the driver's own is looked through for quotes.
      keys.map(({ place }) => place).join(" "),
      keys.map(({ compartment }) => compartment).join(" "),
      keys.map(({ dekVersion }) => dekVersion),
      joined(keys),
      wrappedBytes,
    ],
  });
  return row?.count ?? 0;
}

function joined(keys: readonly RewrappedKeyAt[]): Buffer {
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
