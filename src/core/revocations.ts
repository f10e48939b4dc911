import { parseSessionId, type SessionId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";

/** How identity tells the gateways which sessions have ended: lines of JSON on one long answer. */
export const revocationWire = {
  path: "/internal/revocations",
  /** Query parameter: the epoch of the last line that the gateway saw. */
  since: "since",
  /** Identity looks, and writes a line, this often, also when nothing ended. */
  everyMs: 150,
  /** A gateway that heard nothing for so long knows of nobody any more whether she may go on. */
  staleMs: 1_000,
  /** More sessions than this in one line are told as all of them. */
  sessionsPerLine: 5_000,
  lineChars: 512 * 1024,
} as const;

export interface RevocationLine {
  /** Hand it in as `since` to go on after this line. */
  readonly epoch: number;
  /** "all": too many to name; every session must be taken to have ended. */
  readonly ended: readonly SessionId[] | "all";
}

/** A line without its newline; null when it has not the form. */
export function parseRevocationLine(text: string): RevocationLine | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { epoch, ended } = value;
  if (typeof epoch !== "number" || !Number.isSafeInteger(epoch)) return null;
  if (ended === "all") return { epoch, ended };
  if (!Array.isArray(ended)) return null;
  const ids = ended.flatMap((id) => (typeof id === "string" ? (parseSessionId(id) ?? []) : []));
  return ids.length === ended.length ? { epoch, ended: ids } : null;
}
