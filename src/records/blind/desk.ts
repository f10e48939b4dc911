import type { IncomingMessage } from "node:http";
import type { Log } from "#audit/log.ts";
import { auditEntry } from "#core/audit-entry.ts";
import type { Clock } from "#core/clock.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { BlindMaintenance } from "#records/blind/maintenance.ts";
import type { Answer } from "#records/http.ts";
import { operatorOf } from "#records/operator.ts";
import type { Work, WriteOutcome } from "#records/write-plan.ts";
import { readJsonText } from "#records/write-body.ts";

export interface BlindDeskDeps {
  readonly log: Pick<Log<Work, WriteOutcome>, "submit">;
  readonly clock: Clock;
  readonly random: Random;
  readonly maintenance: BlindMaintenance;
}

function parseStart(text: string): boolean | null {
  try {
    const value: unknown = JSON.parse(text);
    const start = isRecord(value) ? value["start"] : null;
    return typeof start === "boolean" ? start : null;
  } catch {
    return null;
  }
}

/** Begins a build once it is in the log who asked for it. */
async function start(deps: BlindDeskDeps, request: IncomingMessage): Promise<Result<boolean>> {
  const operator = operatorOf(request, deps.clock.now(), deps.random);
  const entry = auditEntry({
    ...operator,
    action: "key-reindex",
    decision: "permit",
    role: "operator",
    zone: "operator",
    purpose: "SYSADMIN",
  });
  const told = await deps.log.submit({ entries: () => [entry] });
  return told.ok ? deps.maintenance.rebuild() : told;
}

/**
 * `POST /internal/blind-index/rebuild`, JSON in and out, for an operator's command; the caller must
 * have checked that the peer's role is operator. `{start}` → `{began, version, done, total, ended,
 * obstacle}`: begins the next version of the blind indexes when `start` is true and none is being
 * built, and tells how far the newest has come; `obstacle` is the code of what holds it up, or null.
 */
export async function answerRebuild(
  deps: BlindDeskDeps,
  request: IncomingMessage,
): Promise<Result<Answer>> {
  const text = await readJsonText(request);
  if (!text.ok) return text;
  const wanted = parseStart(text.value);
  if (wanted === null) return refuse("parameter-invalid", { at: "start" });
  const began = wanted ? await start(deps, request) : ok(false);
  if (!began.ok) return began;
  const progress = await deps.maintenance.progress();
  if (!progress.ok) return progress;
  const { obstacle, ...report } = progress.value;
  return ok({
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ began: began.value, ...report, obstacle: obstacle?.code ?? null }),
  });
}
