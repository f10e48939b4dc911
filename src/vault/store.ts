import { toIso, type Instant } from "#core/clock.ts";
import type { TenantId } from "#core/ids.ts";
import type { WrappedKey } from "#core/key-wire.ts";
import type { Queryable } from "#storage/database.ts";
import type { Compartment } from "#vault/data-key.ts";

/** `dekVersion` null asks for the newest. */
export interface KeyAsked {
  readonly compartment: Compartment;
  readonly dekVersion: number | null;
}

export interface StoredKey {
  readonly wrapped: WrappedKey;
  /** Whether the table has no later version of this compartment's key. */
  readonly isNewest: boolean;
  /** Seals made with it that are durable. */
  readonly seals: number;
}

/** A row of keyring.data_key, as far as a key is wrapped in it. */
export interface KeyRow {
  readonly compartment: string;
  readonly dek_version: number;
  readonly kek_epoch: number;
  readonly wrapped: Buffer;
  readonly commitment: Buffer;
}

interface Row extends KeyRow {
  readonly seals: number;
  readonly newest: number;
}

/** The row in the form in which the keys process takes it. */
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

/**
 * The wrapped keys that the table has of those asked for, in any order. A key of a shredded
 * compartment is none, should a row of it have come back with a restored backup.
 */
export async function readKeys(
  db: Queryable,
  tenant: TenantId,
  asked: readonly KeyAsked[],
): Promise<readonly StoredKey[]> {
  const rows = await db.query<Row & Record<string, unknown>>({
    name: "keyring-read",
    text: `SELECT k.compartment, k.dek_version, k.kek_epoch, k.wrapped, k.commitment, k.seals, n.newest
      FROM json_to_recordset($2::json) AS asked (compartment text, dek_version int)
      CROSS JOIN LATERAL (SELECT max(dek_version) AS newest FROM keyring.data_key
        WHERE tenant = $1 AND compartment = asked.compartment) AS n
      CROSS JOIN LATERAL (SELECT * FROM keyring.data_key
        WHERE tenant = $1 AND compartment = asked.compartment
          AND dek_version = coalesce(asked.dek_version, n.newest) LIMIT 1) AS k
      WHERE (SELECT 1 FROM keyring.shredded
        WHERE tenant = $1 AND compartment = asked.compartment LIMIT 1) IS NULL`,
    // The limits keep each look-up one descent of an index, whatever size the table had when it was
    // planned. JSON, as of an array the planner knows the length: it would plan each call anew.
    values: [
      tenant,
      JSON.stringify(
        asked.map(({ compartment, dekVersion }) => ({ compartment, dek_version: dekVersion })),
      ),
    ],
  });
  return rows.map((row) => ({
    isNewest: row.dek_version === row.newest,
    seals: row.seals,
    wrapped: wrappedKeyOf(tenant, row),
  }));
}

/** The versions of one compartment's key, newest first. */
export async function readVersions(
  db: Queryable,
  tenant: TenantId,
  compartment: Compartment,
): Promise<readonly number[]> {
  const rows = await db.query<{ readonly dek_version: number }>({
    name: "keyring-versions",
    text: `SELECT dek_version FROM keyring.data_key
      WHERE tenant = $1 AND compartment = $2 ORDER BY dek_version DESC`,
    values: [tenant, compartment],
  });
  return rows.map((row) => row.dek_version);
}

/** Counts seals made with one key; false when it has no row any more. */
export async function addSeals(
  db: Queryable,
  tenant: TenantId,
  made: { readonly compartment: Compartment; readonly dekVersion: number; readonly seals: number },
): Promise<boolean> {
  const rows = await db.query({
    name: "keyring-add-seals",
    text: `UPDATE keyring.data_key SET seals = seals + $4
      WHERE tenant = $1 AND compartment = $2 AND dek_version = $3 RETURNING 1`,
    values: [tenant, made.compartment, made.dekVersion, made.seals],
  });
  return rows.length > 0;
}

/** Those of the compartments whose keys were destroyed for good. */
export async function readShredded(
  db: Queryable,
  tenant: TenantId,
  compartments: readonly Compartment[],
): Promise<ReadonlySet<Compartment>> {
  const rows = await db.query<{ readonly compartment: string }>({
    name: "keyring-shredded",
    text: `SELECT compartment FROM keyring.shredded
      WHERE tenant = $1 AND compartment = ANY ($2::text[])`,
    values: [tenant, compartments],
  });
  const found = new Set(rows.map(({ compartment }) => compartment));
  return new Set(compartments.filter((compartment) => found.has(compartment)));
}

/** The newest version of each compartment that has a key. */
export async function readNewestVersions(
  db: Queryable,
  tenant: TenantId,
  compartments: readonly Compartment[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query<{ readonly compartment: string; readonly newest: number }>({
    name: "keyring-newest-versions",
    text: `SELECT compartment, max(dek_version) AS newest FROM keyring.data_key
      WHERE tenant = $1 AND compartment = ANY ($2::text[]) GROUP BY compartment`,
    values: [tenant, compartments],
  });
  return new Map(rows.map(({ compartment, newest }) => [compartment, newest]));
}

/**
 * Stores new keys and answers the compartments whose key was taken: where another was faster, its
 * key stands and this one is worthless.
 */
export async function insertKeys(
  db: Queryable,
  keys: readonly WrappedKey[],
  at: Instant,
): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ readonly compartment: string }>({
    name: "keyring-insert",
    text: `INSERT INTO keyring.data_key
        (tenant, compartment, dek_version, kek_epoch, wrapped, commitment, created_at)
      SELECT tenant, compartment, dek_version, kek_epoch, wrapped, commitment, $7
      FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::bytea[], $6::bytea[])
        AS made (tenant, compartment, dek_version, kek_epoch, wrapped, commitment)
      ON CONFLICT DO NOTHING
      RETURNING compartment`,
    values: [
      keys.map(({ tenant }) => tenant),
      keys.map(({ compartment }) => compartment),
      keys.map(({ dekVersion }) => dekVersion),
      keys.map(({ kekEpoch }) => kekEpoch),
      keys.map(({ wrapped }) => Buffer.from(wrapped, "base64url")),
      keys.map(({ commitment }) => Buffer.from(commitment, "base64url")),
      toIso(at),
    ],
  });
  return new Set(rows.map(({ compartment }) => compartment));
}
