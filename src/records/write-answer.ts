import type { IncomingMessage } from "node:http";
import type { Instant } from "#core/clock.ts";
import { problem, type Problem } from "#core/problem.ts";
import { invariant } from "#core/result.ts";
import type { Outcome, Shown } from "#records/door.ts";
import { successOutcome } from "#records/fhir/outcome.ts";
import { fhirAnswer } from "#records/http.ts";
import { preferredReturn } from "#records/preference.ts";
import { versionHeaders } from "#records/read.ts";
import type { Touch } from "#records/visit.ts";
import type { RowOutcome, RowWrite } from "#records/write-plan.ts";
import { touchOfWrite, type PreparedWrite } from "#records/write-prepare.ts";

interface Asked {
  readonly request: IncomingMessage;
  readonly publicOrigin: string;
}

type Answer = Shown["answer"];

/** The answer that tells of one version: the resource's text, unless the caller prefers otherwise. */
export function versionAnswer(
  { request, publicOrigin }: Asked,
  { type, id }: Pick<RowWrite, "type" | "id">,
  told: {
    readonly done: "created" | "updated" | "found";
    readonly version: number;
    readonly lastUpdated: Instant;
    readonly text: string | null;
  },
): Answer {
  const { done, version, lastUpdated, text } = told;
  const location = `${publicOrigin}/fhir/${type}/${id}/_history/${version}`;
  const headers = { ...versionHeaders(version, lastUpdated), location };
  const status = done === "created" ? 201 : 200;
  const preferred = preferredReturn(request.headers);
  if (preferred === "OperationOutcome") return fhirAnswer(status, successOutcome(done), headers);
  return fhirAnswer(status, preferred === "minimal" ? null : text, headers);
}

function answerOf(asked: Asked, row: RowWrite, outcome: RowOutcome): Answer {
  invariant(outcome.kind !== "refused", "a refused row has no answer");
  if (outcome.kind === "created" || outcome.kind === "updated")
    return versionAnswer(asked, row, { ...outcome, done: outcome.kind });
  const headers = versionHeaders(outcome.version, outcome.lastUpdated);
  return preferredReturn(asked.request.headers) === "OperationOutcome"
    ? fhirAnswer(200, successOutcome("deleted"), headers)
    : { status: 204, headers, body: null };
}

/** What else belongs to a request that writes one row. */
export interface Beside {
  /** What else the log is told of, such as the search that found the row. */
  readonly touches?: readonly Touch[];
  /**
   * True when the version that must be current is one that was found or read on the way, not one
   * that the caller named: losing against another writer is then no failed precondition.
   */
  readonly ownVersion: boolean;
  /** A row that is written with it or not at all. */
  readonly also?: Extract<PreparedWrite, { ok: true }> | null;
}

function lostRace(found: Problem): Problem {
  return found.code === "version-conflict" ? problem("edit-conflict") : found;
}

const alone: Beside = { ownVersion: false };

/** A request that writes one row. */
export function writing(
  asked: Asked,
  prepared: PreparedWrite,
  { touches = [], ownVersion, also = null }: Beside = alone,
): Outcome {
  if (!prepared.ok) {
    const { refusal } = prepared;
    return ownVersion ? { ...refusal, problem: lostRace(refusal.problem) } : refusal;
  }
  const { row, touch: attempted } = prepared;
  const settle = ([outcome, second]: readonly RowOutcome[]): Shown => {
    invariant(outcome !== undefined, "a written row has an outcome");
    const beside = also === null || second === undefined ? [] : [touchOfWrite(also.touch, second)];
    return {
      touches: [...touches, touchOfWrite(attempted, outcome), ...beside],
      answer: answerOf(asked, row, outcome),
    };
  };
  return {
    kind: "written",
    work: { atomic: true, rows: also === null ? [row] : [row, also.row] },
    settle,
    attempted,
    ...(ownVersion ? { explain: lostRace } : {}),
  };
}
