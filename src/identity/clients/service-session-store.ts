import { laterBy, toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export interface ServiceSessionQuery {
  readonly account: AccountId;
  /** Thumbprint of the DPoP key. */
  readonly jkt: string;
  readonly now: Instant;
  /** How long the session must still last to carry a token. */
  readonly neededMs: number;
}

type ServiceSessionRow = {
  readonly id: string;
  readonly device: string;
  readonly lastSeen: Instant;
};

/** The newest session of this service and key that lives, and lasts as long as is needed; null when none. */
export async function findServiceSession(
  db: Queryable,
  { account, jkt, now, neededMs }: ServiceSessionQuery,
): Promise<ServiceSessionRow | null> {
  const [row] = await db.query<ServiceSessionRow>({
    name: "identity-service-session",
    text: `SELECT session.id, session.device, session.last_seen AS "lastSeen"
      FROM identity.session AS session
      JOIN identity.device AS device
        ON device.tenant = session.tenant AND device.id = session.device
      WHERE session.account = $1 AND device.jkt = $2 AND session.ended_at IS NULL
        AND session.ends_at > $4 AND session.last_seen <= $3
        AND session.last_seen + session.idle_ms * interval '1 millisecond' > $3
      ORDER BY session.created_at DESC LIMIT 1`,
    values: [account, jkt, toIso(now), toIso(laterBy(now, neededMs))],
  });
  return row ?? null;
}

/** Counts as activity; false when it has ended meanwhile. */
export async function touchServiceSession(
  db: Queryable,
  id: string,
  now: Instant,
): Promise<boolean> {
  const touched = await db.query<{ readonly id: string }>({
    name: "identity-service-touch",
    text: `UPDATE identity.session SET last_seen = greatest(last_seen, $2)
      WHERE id = $1 AND ended_at IS NULL RETURNING id`,
    values: [id, toIso(now)],
  });
  return touched.length === 1;
}
