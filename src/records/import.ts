import type { IncomingMessage } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { readBody, textOf, type Answer } from "#records/http.ts";
import { prepareImport, writeImport, type ImportDeps } from "#records/import-batch.ts";
import type { Earlier } from "#records/import-labels.ts";
import { parseImportLine, type ImportLine } from "#records/import-line.ts";
import { operatorOf } from "#records/operator.ts";

export const importLimits = {
  bodyBytes: 8 * 1024 * 1024,
  lines: 1_000,
  /** Lines written in one transaction: enough to make its commit cheap, few enough to keep readers waiting for little. */
  linesPerFlush: 250,
  /** Flushes of one request on their way at once: one is prepared while the one before is written. */
  flushesUnderWay: 2,
  /** How long lines are parsed before other requests get their turn. */
  turnMs: 8,
} as const;

/** Parses lines a flush at a time, letting other requests in between. */
async function* parseInTurns(
  lines: readonly string[],
  { clock, conformance }: Pick<ImportDeps, "clock" | "conformance">,
): AsyncGenerator<ImportLine[]> {
  let parsed: ImportLine[] = [];
  let turnBeganMs = clock.monotonicMs();
  for (const line of lines) {
    parsed.push(parseImportLine(line, conformance()));
    if (clock.monotonicMs() - turnBeganMs > importLimits.turnMs) {
      await nextTurn();
      turnBeganMs = clock.monotonicMs();
    }
    if (parsed.length < importLimits.linesPerFlush) continue;
    yield parsed;
    parsed = [];
  }
  if (parsed.length > 0) yield parsed;
}

/** The lines of a body; fails as json-broken (not UTF-8) or body-too-large. */
export async function linesOf(request: IncomingMessage): Promise<Result<readonly string[]>> {
  const body = await readBody(request, importLimits.bodyBytes);
  if (!body.ok) return body;
  const text = textOf(body.value);
  if (!text.ok) return text;
  const lines = text.value.split("\n").filter((line) => line.trim() !== "");
  return lines.length > importLimits.lines
    ? refuse("body-too-large", { detail: `At most ${importLimits.lines} lines.` })
    : ok(lines);
}

/**
 * `POST /internal/import`, NDJSON in and out, a line for a line: see import-line.ts. The caller must
 * have checked that the peer's role is operator; policy is not asked, as it speaks of persons.
 * Answered when all lines are durable and logged. When that fails the request fails as a whole and
 * may be sent again: lines already stored come back as unchanged.
 */
export async function importRecords(
  deps: ImportDeps,
  request: IncomingMessage,
): Promise<Result<Answer>> {
  const lines = await linesOf(request);
  if (!lines.ok) return lines;
  const operator = operatorOf(request, deps.clock.now(), deps.random);
  const begun: ReturnType<typeof writeImport>[] = [];
  const earlier: Earlier = new Map();
  for await (const parsed of parseInTurns(lines.value, deps)) {
    // In order: a later batch may be about patients whose keys an earlier one makes.
    const batch = await prepareImport(deps, parsed, { earlier });
    if (!batch.ok) return batch;
    const writing = writeImport(deps, operator, batch.value);
    // Awaited below; until then a rejection must not count as unhandled.
    writing.catch(() => {});
    begun.push(writing);
    await begun.at(-importLimits.flushesUnderWay);
  }
  const answers: string[] = [];
  for (const writing of begun) {
    const written = await writing;
    if (!written.ok) return written;
    for (const line of written.value) answers.push(`${line}\n`);
  }
  return ok({
    status: 200,
    headers: { "content-type": "application/x-ndjson" },
    body: answers.join(""),
  });
}
