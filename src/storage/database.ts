import { Pool, type PoolClient, type QueryResultRow, type QueryConfig } from "pg";
import type { TenantId } from "#core/ids.ts";
import { sessionOptions, type Connection } from "#storage/connection.ts";
import { storageProblem } from "#storage/storage-problem.ts";
import { rowValues } from "#storage/values.ts";

export type { Connection, DatabaseRole } from "#storage/connection.ts";

/** A statement prepared once for each connection under its name, which must be unique to its text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface Queryable {
  /**
   * The rows, with values as values.ts reads them. Throws the driver's error: storageProblem tells
   * whether it is an expected failure. Within a transaction, a statement goes to the server without
   * waiting for the answers to those before it, and is carried out after them.
   */
  query<R extends QueryResultRow>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<readonly R[]>;
}

export interface Transaction extends Queryable {
  /** Sends a statement together with COMMIT, once the work is done. Should it fail, nothing is committed. */
  last(statement: Statement): void;
}

export interface Database extends Queryable {
  /**
   * Runs `work` in one transaction (read committed) and commits; rolls back when it throws. Nothing
   * that `work` began may go on after it has ended. An error from COMMIT itself leaves open whether
   * it was done.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Waits for what is under way, then ends all connections. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly connection: Connection;
  /** Row level security shows this session the rows of this tenant alone. */
  readonly tenant: TenantId;
  readonly maxConnections: number;
}

export const databaseLimits = {
  connectMs: 5_000,
  statementMs: 30_000,
  lockMs: 10_000,
  idleInTransactionMs: 30_000,
  idleConnectionMs: 60_000,
  /** Past the server's own limit, so that it bites only when the server no longer answers. */
  answerMs: 35_000,
} as const;

async function run<R extends QueryResultRow>(
  on: Pool | PoolClient,
  statement: string | Statement,
  values: readonly unknown[] | undefined,
): Promise<readonly R[]> {
  const config: QueryConfig<unknown[]> =
    typeof statement === "string"
      ? { text: statement, ...(values === undefined ? {} : { values: [...values] }) }
      : { ...statement, values: [...statement.values] };
  const result = await on.query<R, unknown[]>(config);
  return result.rows;
}

/** The error for which the connection must be thrown away, if it cannot be used again. */
async function rollBack(client: PoolClient, cause: unknown): Promise<Error | undefined> {
  // A server that did not answer would only make ROLLBACK wait too; ending the connection undoes the work.
  if (cause instanceof Error && storageProblem(cause) === "storage-unavailable") return cause;
  try {
    await client.query("ROLLBACK");
    return undefined;
  } catch (failure) {
    return failure instanceof Error ? failure : new Error("rollback failed");
  }
}

async function inTransaction<T>(pool: Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let ending: Statement | undefined;
  let broken: Error | undefined;
  try {
    const begun = client.query("BEGIN");
    const value = await work({
      // Whoever has an answer knows by it that there is a transaction, and may go on to the next.
      query: async <R extends QueryResultRow>(
        statement: string | Statement,
        values?: readonly unknown[],
      ) => {
        const [rows] = await Promise.all([run<R>(client, statement, values), begun]);
        return rows;
      },
      last: (statement) => {
        ending = statement;
      },
    });
    await begun;
    const ended = ending === undefined ? null : run(client, ending, undefined);
    // After a statement that failed, COMMIT does what ROLLBACK does.
    await Promise.all([ended, client.query("COMMIT")]);
    return value;
  } catch (error) {
    broken = await rollBack(client, error);
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Opens a pool; connects when first used. Nothing is thrown here: a dead server shows at the first query. */
export function openDatabase({ connection, tenant, maxConnections }: DatabaseOptions): Database {
  const pool = new Pool({
    ...connection,
    max: maxConnections,
    connectionTimeoutMillis: databaseLimits.connectMs,
    idleTimeoutMillis: databaseLimits.idleConnectionMs,
    query_timeout: databaseLimits.answerMs,
    pipeline: true,
    options: sessionOptions(tenant, {
      statement_timeout: databaseLimits.statementMs,
      lock_timeout: databaseLimits.lockMs,
      idle_in_transaction_session_timeout: databaseLimits.idleInTransactionMs,
    }),
    types: rowValues(),
  });
  // A connection that dies tells its query, or the next one, and the pool takes it out. It also
  // tells its listeners, and would end the process if there were none.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return {
    query: (statement, values) => run(pool, statement, values),
    transaction: (work) => inTransaction(pool, work),
    close: () => pool.end(),
  };
}
