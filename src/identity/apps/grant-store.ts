import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { appLimits } from "#identity/apps/limits.ts";
import type { Queryable } from "#storage/database.ts";

export interface NewGrantRow {
  readonly id: string;
  readonly account: AccountId;
  readonly client: string;
  readonly grant: Buffer;
  readonly sealed: Buffer;
  readonly grantedAt: Instant;
  readonly endsAt: Instant;
}

export async function insertGrant(db: Queryable, row: NewGrantRow): Promise<void> {
  await db.query(
    `INSERT INTO identity.app_grant (id, account, client, grant_id, sealed, granted_at, ends_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      row.id,
      row.account,
      row.client,
      row.grant,
      row.sealed,
      toIso(row.grantedAt),
      toIso(row.endsAt),
    ],
  );
}

export type UsedGrantRow = { readonly id: string; readonly sealed: Buffer };

/** Notes the use. Null when there is no such grant, or it has ended. */
export async function useGrant(
  db: Queryable,
  grant: Buffer,
  now: Instant,
): Promise<UsedGrantRow | null> {
  const [row] = await db.query<UsedGrantRow>({
    name: "identity-use-app-grant",
    text: `UPDATE identity.app_grant SET last_used_at = $2
      WHERE grant_id = $1 AND ended_at IS NULL AND ends_at > $2 RETURNING id, sealed`,
    values: [grant, toIso(now)],
  });
  return row ?? null;
}

export type ListedGrantRow = {
  readonly id: string;
  readonly client: string;
  readonly sealed: Buffer;
  readonly grantedAt: Instant;
  readonly lastUsedAt: Instant | null;
  readonly endsAt: Instant;
};

/** Those of the account by which an app can still do anything, newest first. */
export async function listGrants(
  db: Queryable,
  account: AccountId,
  now: Instant,
): Promise<readonly ListedGrantRow[]> {
  return db.query<ListedGrantRow>(
    `SELECT id, client, sealed, granted_at AS "grantedAt", last_used_at AS "lastUsedAt",
        ends_at AS "endsAt"
      FROM identity.app_grant AS app
      WHERE account = $1 AND ended_at IS NULL AND ends_at > $2 AND EXISTS (
        SELECT FROM identity.session WHERE session.tenant = app.tenant
          AND session.grant_id = app.grant_id AND session.ended_at IS NULL
          AND session.ends_at > $2
          AND session.last_seen + session.idle_ms * interval '1 millisecond' > $2)
      ORDER BY granted_at DESC, id LIMIT $3`,
    [account, toIso(now), appLimits.appsListed],
  );
}

/** Ends one grant of the account with all that stands on it; false when there is none to end. */
export async function endAppGrant(
  tx: Queryable,
  { account, id, now }: { readonly account: AccountId; readonly id: string; readonly now: Instant },
): Promise<boolean> {
  const [row] = await tx.query<{ readonly grant: Buffer }>(
    `UPDATE identity.app_grant SET ended_at = $3
      WHERE id = $1 AND account = $2 AND ended_at IS NULL RETURNING grant_id AS "grant"`,
    [id, account, toIso(now)],
  );
  if (row === undefined) return false;
  await tx.query("DELETE FROM identity.oidc WHERE grant_id = $1", [row.grant]);
  await tx.query(
    "UPDATE identity.session SET ended_at = $2 WHERE grant_id = $1 AND ended_at IS NULL",
    [row.grant, toIso(now)],
  );
  return true;
}
