import type { Clock } from "#core/clock.ts";
import type { Queryable } from "#storage/database.ts";

/** How the server is set, and its own clock. */
export interface ServerFacts {
  readonly settings: Readonly<Record<string, string>>;
  /** How far the server's clock is ahead of ours, in milliseconds. */
  readonly aheadMs: number;
}

/** Settings as a new session of the asking role has them. */
export async function readServerFacts(
  db: Queryable,
  names: readonly string[],
  clock: Pick<Clock, "now">,
): Promise<ServerFacts> {
  const rows = await db.query<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name = ANY($1)",
    [names],
  );
  const [server] = await db.query<{ ms: number }>(
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms",
  );
  return {
    settings: Object.fromEntries(rows.map(({ name, setting }) => [name, setting])),
    aheadMs: (server?.ms ?? Number.NaN) - clock.now(),
  };
}
