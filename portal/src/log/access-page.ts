import type { AccessLogLine } from "../../../src/core/wire.ts";
import { at, list, number, readEach, text } from "../fhir/json.ts";

const decisions = ["permit", "deny", "error"] as const;

/** Reads GET /api/records/access-log; a line without a time or a place in the log is left out. */
export function readAccessLog(body: unknown): {
  readonly lines: readonly AccessLogLine[];
  readonly cursor: string | null;
} {
  return { lines: readEach(list(at(body, "readings")), readLine), cursor: text(at(body, "next")) };
}

function readLine(line: unknown): AccessLogLine | null {
  const time = text(at(line, "time"));
  const origin = text(at(line, "origin"));
  const index = number(at(line, "index"));
  const decision = decisions.find((known) => known === at(line, "decision"));
  if (time === null || Number.isNaN(Date.parse(time))) return null;
  if (origin === null || index === null || decision === undefined) return null;
  return {
    time,
    who: text(at(line, "who")) ?? "",
    role: text(at(line, "role")),
    action: text(at(line, "action")) ?? "",
    decision,
    resourceType: text(at(line, "resourceType")),
    categories: readEach(list(at(line, "categories")), text),
    count: number(at(line, "count")) ?? 0,
    purpose: text(at(line, "purpose")),
    origin,
    index,
  };
}
