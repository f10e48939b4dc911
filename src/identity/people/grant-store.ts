import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId, ResourceId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export type GrantRow = {
  readonly id: string;
  readonly patient: string;
  readonly proxy: string | null;
  readonly sealed: Buffer;
  readonly grantedBy: string | null;
  readonly createdAt: Instant;
  readonly startsAt: Instant;
  readonly endsAt: Instant | null;
};

const columns = `id, patient, proxy, sealed, granted_by AS "grantedBy", created_at AS "createdAt",
  starts_at AS "startsAt", ends_at AS "endsAt"`;

export interface NewGrantRow {
  readonly id: string;
  readonly patient: ResourceId;
  readonly proxy: AccountId | null;
  readonly sealed: Buffer;
  readonly grantedBy: AccountId | null;
  readonly createdAt: Instant;
  readonly startsAt: Instant;
  readonly endsAt: Instant | null;
}

export async function insertGrant(db: Queryable, grant: NewGrantRow): Promise<void> {
  await db.query(
    `INSERT INTO identity.proxy_grant
        (id, patient, proxy, sealed, granted_by, created_at, starts_at, ends_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      grant.id,
      grant.patient,
      grant.proxy,
      grant.sealed,
      grant.grantedBy,
      toIso(grant.createdAt),
      toIso(grant.startsAt),
      grant.endsAt === null ? null : toIso(grant.endsAt),
    ],
  );
}

/** Grants not ended by anybody, of which one may have run out: by whom they were taken up. */
export async function findGrantsOf(
  db: Queryable,
  proxy: AccountId,
  now: Instant,
  limit: number,
): Promise<readonly GrantRow[]> {
  return db.query<GrantRow>({
    name: "identity-grants-of",
    text: `SELECT ${columns} FROM identity.proxy_grant
      WHERE proxy = $1 AND ended_at IS NULL AND (ends_at > $2 OR ends_at IS NULL)
      ORDER BY created_at, id LIMIT $3`,
    values: [proxy, toIso(now), limit],
  });
}

/** As findGrantsOf, by the patients for whom somebody acts. */
export async function findGrantsFor(
  db: Queryable,
  patients: readonly ResourceId[],
  now: Instant,
  limit: number,
): Promise<readonly GrantRow[]> {
  return db.query<GrantRow>({
    name: "identity-grants-for",
    text: `SELECT ${columns} FROM identity.proxy_grant
      WHERE patient = ANY ($1) AND ended_at IS NULL AND (ends_at > $2 OR ends_at IS NULL)
      ORDER BY created_at, id LIMIT $3`,
    values: [patients, toIso(now), limit],
  });
}

export async function findGrant(db: Queryable, id: string): Promise<GrantRow | null> {
  const [row] = await db.query<GrantRow>(
    `SELECT ${columns} FROM identity.proxy_grant WHERE id = $1 AND ended_at IS NULL`,
    [id],
  );
  return row ?? null;
}

/** Whether it was still open to be taken up by anybody. */
export async function takeUpGrant(
  db: Queryable,
  id: string,
  proxy: AccountId,
  now: Instant,
): Promise<boolean> {
  const taken = await db.query(
    `UPDATE identity.proxy_grant SET proxy = $2 WHERE id = $1 AND proxy IS NULL
      AND ended_at IS NULL AND (ends_at > $3 OR ends_at IS NULL) RETURNING id`,
    [id, proxy, toIso(now)],
  );
  return taken.length === 1;
}

/** Grants to one account that have not ended are the other's from now on. */
export async function moveGrants(
  db: Queryable,
  from: AccountId,
  to: AccountId,
  now: Instant,
): Promise<void> {
  await db.query(
    `UPDATE identity.proxy_grant SET proxy = $2 WHERE proxy = $1
      AND ended_at IS NULL AND (ends_at > $3 OR ends_at IS NULL)`,
    [from, to, toIso(now)],
  );
}

/** Ends it and the code on paper by which it might still be taken up. */
export async function endGrant(db: Queryable, id: string, now: Instant): Promise<void> {
  await db.query("UPDATE identity.proxy_grant SET ended_at = $2 WHERE id = $1", [id, toIso(now)]);
  await db.query(
    "UPDATE identity.invitation SET used_at = $2 WHERE proxy_grant = $1 AND used_at IS NULL",
    [id, toIso(now)],
  );
}

/** Until commit nobody else begins a session of the account or changes for whom it acts. */
export async function holdAccount(db: Queryable, account: AccountId): Promise<void> {
  await db.query("SELECT id FROM identity.account WHERE id = $1 FOR NO KEY UPDATE", [account]);
}

/** A patient stands once for each grant. */
export interface Acting {
  readonly patients: readonly string[];
  /** When acting for the patient in the same place begins and ends, in ms since 1970. */
  readonly fromMs: readonly number[];
  readonly untilMs: readonly number[];
}

/** Tells the account's live sessions for whom it may act and when; no end is told that lies past the session's. */
export async function tellSessions(
  db: Queryable,
  account: AccountId,
  acting: Acting,
): Promise<void> {
  await db.query(
    `UPDATE identity.session SET acts_for = $2, acts_for_until = ARRAY(
        SELECT least(told.until, (extract(epoch FROM ends_at) * 1000)::bigint)
        FROM unnest($3::bigint[]) WITH ORDINALITY AS told (until, place) ORDER BY told.place),
        acts_for_from = $4
      WHERE account = $1 AND ended_at IS NULL`,
    [account, acting.patients, acting.untilMs, acting.fromMs],
  );
}
