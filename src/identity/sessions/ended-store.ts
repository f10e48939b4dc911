import type { Queryable } from "#storage/database.ts";

export type EndedSince = {
  /** Of the newest change to any session; 0 when there was none yet. */
  readonly epoch: number;
  /** Sessions that changed after the epoch asked for and have ended; one more than `limit` when there are more. */
  readonly ended: readonly string[];
};

/**
 * Which sessions ended after an epoch, in one look: the counter and the sessions are as of one
 * moment. Null asks for the epoch alone.
 */
export async function endedSince(
  db: Queryable,
  since: number | null,
  limit: number,
): Promise<EndedSince> {
  const [row] = await db.query<EndedSince>({
    name: "identity-ended-since",
    text: `SELECT coalesce((SELECT value FROM identity.epoch), 0)::bigint AS epoch,
      ARRAY(
        SELECT session.id::text FROM identity.session
        JOIN identity.account ON account.tenant = session.tenant AND account.id = session.account
        WHERE session.epoch > $1::bigint
          AND (session.ended_at IS NOT NULL OR account.status <> 'active')
        LIMIT $2
      ) AS ended`,
    // Above every epoch there is.
    values: [since ?? Number.MAX_SAFE_INTEGER, limit + 1],
  });
  return row ?? { epoch: 0, ended: [] };
}
