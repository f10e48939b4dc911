import { toIso, type Instant } from "#core/clock.ts";
import { committedLater } from "#identity/committed-later.ts";
import type { Queryable } from "#storage/database.ts";

/** Blind hashes stand for all ids, so that no row holds what could be shown as a token. */
export interface OidcKey {
  readonly model: string;
  readonly id: Buffer;
}

export interface OidcRow extends OidcKey {
  readonly grant: Buffer | null;
  readonly uid: Buffer | null;
  readonly userCode: Buffer | null;
  readonly browser: Buffer | null;
  readonly sealed: Buffer;
  readonly expiresAt: Instant;
}

export async function putOidc(db: Queryable, row: OidcRow): Promise<void> {
  await db.query({
    name: "identity-oidc-put",
    text: `INSERT INTO identity.oidc
        (model, id, grant_id, uid, user_code, browser, sealed, expires_at)
      SELECT $1, $2, $3, $4, $5, $6, $7, $8::timestamptz FROM ${committedLater}
      ON CONFLICT (tenant, model, id) DO UPDATE SET grant_id = excluded.grant_id,
        uid = excluded.uid, user_code = excluded.user_code, browser = excluded.browser,
        sealed = excluded.sealed, expires_at = excluded.expires_at`,
    values: [
      row.model,
      row.id,
      row.grant,
      row.uid,
      row.userCode,
      row.browser,
      row.sealed,
      toIso(row.expiresAt),
    ],
  });
}

/** Whether it was stored: false when the id is there already and has not expired. */
export async function putOidcOnce(db: Queryable, row: OidcRow, now: Instant): Promise<boolean> {
  const stored = await db.query<{ readonly model: string }>({
    name: "identity-oidc-once",
    text: `INSERT INTO identity.oidc AS known (model, id, sealed, expires_at)
      SELECT $1, $2, $3, $4::timestamptz FROM ${committedLater}
      ON CONFLICT (tenant, model, id) DO UPDATE SET
        sealed = excluded.sealed, expires_at = excluded.expires_at
      WHERE known.expires_at <= $5
      RETURNING model`,
    values: [row.model, row.id, row.sealed, toIso(row.expiresAt), toIso(now)],
  });
  return stored.length === 1;
}

export type StoredOidc = {
  readonly id: Buffer;
  readonly sealed: Buffer;
  readonly consumedAt: Instant | null;
};

const found = `SELECT id, sealed, consumed_at AS "consumedAt" FROM identity.oidc`;

/** Null when there is none, or it has expired. */
export async function getOidc(
  db: Queryable,
  { model, id }: OidcKey,
  now: Instant,
): Promise<StoredOidc | null> {
  const [row] = await db.query<StoredOidc>({
    name: "identity-oidc-get",
    text: `${found} WHERE model = $1 AND id = $2 AND expires_at > $3`,
    values: [model, id, toIso(now)],
  });
  return row ?? null;
}

/** By a second name of the row, `uid` or `user_code`. */
export async function getOidcBy(
  db: Queryable,
  by: "uid" | "user_code",
  key: OidcKey,
  now: Instant,
): Promise<StoredOidc | null> {
  const [row] = await db.query<StoredOidc>({
    name: `identity-oidc-by-${by}`,
    text: `${found} WHERE model = $1 AND ${by} = $2 AND expires_at > $3`,
    values: [key.model, key.id, toIso(now)],
  });
  return row ?? null;
}

/** Whether it was still unused: of two uses at once, one gets false. */
export async function consumeOidc(db: Queryable, key: OidcKey, now: Instant): Promise<boolean> {
  const consumed = await db.query<{ readonly model: string }>({
    name: "identity-oidc-consume",
    text: `UPDATE identity.oidc SET consumed_at = $3 FROM ${committedLater}
      WHERE model = $1 AND id = $2 AND consumed_at IS NULL RETURNING model`,
    values: [key.model, key.id, toIso(now)],
  });
  return consumed.length === 1;
}

export async function dropOidc(db: Queryable, { model, id }: OidcKey): Promise<void> {
  await db.query("DELETE FROM identity.oidc WHERE model = $1 AND id = $2", [model, id]);
}

/** The grant that a code or token stands on. */
export async function grantOf(db: Queryable, { model, id }: OidcKey): Promise<Buffer | null> {
  const [row] = await db.query<{ readonly grant: Buffer | null }>(
    `SELECT grant_id AS "grant" FROM identity.oidc WHERE model = $1 AND id = $2`,
    [model, id],
  );
  return row?.grant ?? null;
}
