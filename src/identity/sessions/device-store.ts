import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";

export interface SeenDevice {
  /** Taken when the key was never seen with this account. */
  readonly id: string;
  readonly account: AccountId;
  readonly jkt: string;
  readonly now: Instant;
}

/** The id of the device with this key, known from now on at level 1 of the device ladder. */
export async function seeDevice(db: Queryable, seen: SeenDevice): Promise<string> {
  const [row] = await db.query<{ readonly id: string }>(
    `INSERT INTO identity.device (id, account, jkt, kind, level, first_seen, last_seen)
      VALUES ($1, $2, $3, 'browser', 1, $4, $4)
      ON CONFLICT (tenant, account, jkt) DO UPDATE SET last_seen = excluded.last_seen
      RETURNING id`,
    [seen.id, seen.account, seen.jkt, toIso(seen.now)],
  );
  invariant(row !== undefined, "a device that was just seen is gone");
  return row.id;
}
