import type { Database, Queryable } from "#storage/database.ts";

/** One connection answers one query after the other; whoever asks several at once waits in turn. */
function oneAtATime(on: Queryable): Queryable {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    query: (statement, values) => {
      const answer = turn.then(() => on.query<never>(statement, values));
      turn = answer.catch(() => null);
      return answer;
    },
  };
}

/**
 * Runs `work` on one moment of the database, which it can only read: what others commit meanwhile
 * is not seen, however long it takes. Cursors may be declared; they end with it.
 */
export function inSnapshot<T>(
  db: Pick<Database, "transaction">,
  work: (on: Queryable) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    return work(oneAtATime(tx));
  });
}
