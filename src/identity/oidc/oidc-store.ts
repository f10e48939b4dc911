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

const nameOf = ({ model, id }: OidcKey): string => `${model} ${id.toString("hex")}`;

/** Each key once, and in one order for everybody, so that no two statements wait for each other. */
const inOrder = (rows: ReadonlyMap<string, OidcRow>): readonly OidcRow[] =>
  [...rows].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);

/** The columns of `rows`, each as one array. */
const columnsOf = (rows: readonly OidcRow[]): readonly unknown[] => [
  rows.map(({ model }) => model),
  rows.map(({ id }) => id),
  rows.map(({ sealed }) => sealed),
  rows.map(({ expiresAt }) => toIso(expiresAt)),
];

/** Of two rows with one key the later stands. */
export async function putOidc(db: Queryable, all: readonly OidcRow[]): Promise<void> {
  const rows = inOrder(new Map(all.map((row) => [nameOf(row), row])));
  await db.query({
    name: "identity-oidc-put",
    text: `INSERT INTO identity.oidc
        (model, id, sealed, expires_at, grant_id, uid, user_code, browser)
      SELECT asked.* FROM ${committedLater}, unnest($1::text[], $2::bytea[], $3::bytea[],
        $4::timestamptz[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[]) AS asked
      ON CONFLICT (tenant, model, id) DO UPDATE SET grant_id = excluded.grant_id,
        uid = excluded.uid, user_code = excluded.user_code, browser = excluded.browser,
        sealed = excluded.sealed, expires_at = excluded.expires_at`,
    values: [
      ...columnsOf(rows),
      rows.map(({ grant }) => grant),
      rows.map(({ uid }) => uid),
      rows.map(({ userCode }) => userCode),
      rows.map(({ browser }) => browser),
    ],
  });
}

/**
 * Whether each was stored: false when its key is there already and has not expired. Of several rows
 * with one key, the first alone may be.
 */
export async function putOidcOnce(
  db: Queryable,
  all: readonly OidcRow[],
  now: Instant,
): Promise<readonly boolean[]> {
  const rows = inOrder(new Map(all.toReversed().map((row) => [nameOf(row), row])));
  const stored = await db.query<{ readonly model: string; readonly id: Buffer }>({
    name: "identity-oidc-once",
    text: `INSERT INTO identity.oidc AS known (model, id, sealed, expires_at)
      SELECT asked.* FROM ${committedLater},
        unnest($1::text[], $2::bytea[], $3::bytea[], $4::timestamptz[]) AS asked
      ON CONFLICT (tenant, model, id) DO UPDATE SET
        sealed = excluded.sealed, expires_at = excluded.expires_at
      WHERE known.expires_at <= $5
      RETURNING model, id`,
    values: [...columnsOf(rows), toIso(now)],
  });
  const left = new Set(stored.map(nameOf));
  return all.map((row) => left.delete(nameOf(row)));
}

export type StoredOidc = {
  readonly id: Buffer;
  readonly sealed: Buffer;
  readonly consumedAt: Instant | null;
};

/** The row's own id, or a second name of it. */
export type OidcName = "id" | "uid" | "user_code";

/** What is stored under each key, in their order; null where there is none, or it has expired. */
export async function getOidc(
  db: Queryable,
  by: OidcName,
  keys: readonly OidcKey[],
  now: Instant,
): Promise<readonly (StoredOidc | null)[]> {
  const rows = await db.query<StoredOidc & { readonly place: number }>({
    name: `identity-oidc-by-${by}`,
    // One look into the index for each: joined as they are, the whole table would be read.
    text: `SELECT place, kept.id, kept.sealed, kept.consumed_at AS "consumedAt"
      FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS asked (model, name, place),
        LATERAL (SELECT id, sealed, consumed_at FROM identity.oidc
          WHERE oidc.model = asked.model AND oidc.${by} = asked.name AND expires_at > $3
          LIMIT 1) AS kept`,
    values: [keys.map(({ model }) => model), keys.map(({ id }) => id), toIso(now)],
  });
  const placed = new Map(rows.map(({ place, ...row }) => [place, row]));
  return keys.map((_, at) => placed.get(at + 1) ?? null);
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
