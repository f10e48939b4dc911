import type { ProblemCode } from "#core/problem.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

export type StorageProblem = Extract<
  ProblemCode,
  "storage-unavailable" | "storage-full" | "edit-conflict"
>;

/** PostgreSQL error codes (appendix A of its manual) that say the server cannot serve just now. */
const unavailableStates = new Set([
  "25P03", // idle_in_transaction_session_timeout
  "25006", // read_only_sql_transaction: a failover left us on a replica
  "28P01", // invalid_password: the role is not there yet, or was given another password
  "55P03", // lock_not_available
  "57014", // query_canceled: our statement timeout
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "58000", // system_error
]);
const conflictStates = new Set(["40001", "40P01"]);
const fullStates = new Set(["53100"]);

/** What Node says when the server is gone, or was never there. */
const unavailableErrnos = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EACCES",
]);

/** `pg` gives these no code. */
const lostConnection =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Cannot use a pool after calling end|Client was closed)/;

/** Inability to write a file for want of room is class 58 (io_error) and tells the errno in words. */
const noRoom = /No space left on device|Disk quota exceeded/;

function codeOf(error: Error): string | null {
  return "code" in error && typeof error.code === "string" ? error.code : null;
}

/**
 * Which expected failure of storage an error stands for; null when it is none, so that it is a
 * fault of the program and must be thrown on. A serialization failure or deadlock is an
 * edit-conflict: the transaction did nothing and may be tried again.
 */
export function storageProblem(error: unknown): StorageProblem | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof AggregateError) return storageProblem(error.errors[0]);
  const code = codeOf(error);
  if (code === "ENOSPC" || noRoom.test(error.message)) return "storage-full";
  if (code === null) return lostConnection.test(error.message) ? "storage-unavailable" : null;
  if (fullStates.has(code)) return "storage-full";
  if (conflictStates.has(code)) return "edit-conflict";
  const unavailable =
    unavailableStates.has(code) ||
    unavailableErrnos.has(code) ||
    // Class 08 is connection exceptions, class 53 is want of memory, connections and the like.
    /^(?:08|53)[0-9A-Z]{3}$/.test(code) ||
    code === "58030";
  return unavailable ? "storage-unavailable" : null;
}

/** Runs `work`; an expected failure of storage becomes a value, any other error is thrown on. */
export async function attempt<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await work());
  } catch (error) {
    const code = storageProblem(error);
    if (code === null) throw error;
    return refuse(code);
  }
}
