import type { Queryable } from "#storage/database.ts";

/** One name for each tenant; the lock is of the session, so it ends with the process that holds it. */
const lockName = "hashtextextended('phylax key work ' || current_setting('phylax.tenant'), 0)";

/** Takes the lock on changes of keys for this session; false when another session has it. */
export async function tryKeyWork(session: Queryable): Promise<boolean> {
  const [row] = await session.query<{ readonly taken: boolean }>(
    `SELECT pg_try_advisory_lock(${lockName}) AS taken`,
  );
  return row?.taken === true;
}

/** Gives the lock back; without this it ends only when the server has seen the session end. */
export async function endKeyWork(session: Queryable): Promise<void> {
  await session.query(`SELECT pg_advisory_unlock(${lockName})`);
}

/** Whether this very session holds the lock; a connection that was made anew does not. */
export async function holdsKeyWork(session: Queryable): Promise<boolean> {
  const [row] = await session.query<{ readonly held: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_locks
       WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
         AND ((classid::bigint << 32) | objid::bigint) = ${lockName}) AS held`,
  );
  return row?.held === true;
}

/** Whether some session holds the lock. */
export async function isKeyWorkRunning(db: Queryable): Promise<boolean> {
  const [row] = await db.query<{ readonly held: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_locks
       WHERE locktype = 'advisory' AND granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND ((classid::bigint << 32) | objid::bigint) = ${lockName}) AS held`,
  );
  return row?.held === true;
}
