import { setTimeout as sleep } from "node:timers/promises";
import { openHome } from "#assembly/home.ts";
import { askStatus } from "#assembly/only-one.ts";
import { openOperator, type Operator } from "#assembly/operator.ts";
import type { ImportAnswer, Send } from "#cli/import/courier.ts";
import { importPaths } from "#cli/import/import.ts";
import type { ImportSummary } from "#cli/import/summary.ts";
import type { CommandContext, Register } from "#cli/program.ts";
import { progressBar } from "#cli/progress.ts";
import { exitCodes, paint, sayProblem, type Terminal } from "#cli/terminal.ts";
import { systemClock } from "#core/clock.ts";
import { meaningOf, parseProblemCode, problem, refuse } from "#core/problem.ts";
import { ok } from "#core/result.ts";

interface Options {
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Shown on the terminal; --json has up to a thousand. */
const problemsShown = 20;

const outcomes = ["created", "updated", "unchanged", "refused"] as const;

export const importCommand: Register = (program, context, done) => {
  program
    .command("import")
    .description(
      "Bring FHIR R4 records in: transaction Bundles, NDJSON, single resources, or folders of them",
    )
    .argument("<path...>", "files or folders")
    .option("--strict", "stop at the first entry that does not go in")
    .option("--json", "print one JSON object at the end")
    .addHelpText(
      "after",
      "\nIt may be cut off at any moment and started again: what is there already is left unchanged.\nExit codes: 0 all went in, 1 some entries were refused, 69 Phylax does not answer.\n\nExamples:\n  phylax import ./my-records\n  phylax import patients.ndjson --strict\n  phylax import bundle.json --json | jq .refused",
    )
    .action(async (paths: string[], options: Options) =>
      done(await runImport(paths, options, context)),
    );
};

async function runImport(
  paths: readonly string[],
  options: Options,
  context: CommandContext,
): Promise<number> {
  const { terminal } = context;
  const home = openHome(context.environment.homePath);
  const status = home.ok ? await askStatus(home.value) : null;
  if (!home.ok || status === null) {
    sayProblem(terminal, home.ok ? notRunning : home.problem);
    return exitCodes.unavailable;
  }
  const operator = await openOperator(home.value);
  const bar = progressBar(terminal, "Import");
  const summary = await importPaths({
    paths,
    send: sendBy(operator),
    progress: ({ entries, expectedEntries }) => bar.update(entries, expectedEntries),
    strict: options.strict === true,
    clock: systemClock,
    sleep,
  });
  bar.stop();
  await operator.close();
  if (options.json === true) terminal.out(`${JSON.stringify(summary)}\n`);
  else saySummary(summary, terminal);
  if (summary.stopped !== null) return exitCodes.unavailable;
  return summary.refused > 0 ? exitCodes.found : exitCodes.done;
}

const notRunning = problem("upstream-unavailable", {
  detail: "Phylax does not run on this home. Start it with: npm start",
});

function saySummary(summary: ImportSummary, terminal: Terminal): void {
  for (const { file, entry, code, detail, at } of summary.problems.slice(0, problemsShown)) {
    const where = at === undefined ? "" : ` at ${at}`;
    terminal.err(
      `${paint(terminal, "red", "✗")} ${file}, entry ${entry}${where}: ${detail ?? meaningOf(code).text} [${code}]\n`,
    );
  }
  const unseen = summary.refused - Math.min(problemsShown, summary.problems.length);
  if (unseen > 0)
    terminal.err(`  and ${unseen} more; --json lists up to ${summary.problems.length}\n`);
  if (summary.stopped !== null) sayProblem(terminal, summary.stopped);
  const { files, created, updated, unchanged, refused, seconds, resourcesPerSecond } = summary;
  terminal.out(
    `${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused, from ${files} files in ${seconds.toFixed(1)} s (${resourcesPerSecond}/s)\n`,
  );
}

function parseAnswer(line: string): ImportAnswer | null {
  const found = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const { file, entry, detail, at } = found;
  const outcome = outcomes.find((known) => known === found["outcome"]);
  if (typeof file !== "string" || typeof entry !== "number" || outcome === undefined) return null;
  const code = typeof found["code"] === "string" ? parseProblemCode(found["code"]) : null;
  return {
    file,
    entry,
    outcome,
    ...(code === null ? {} : { code }),
    ...(typeof detail === "string" ? { detail } : {}),
    ...(typeof at === "string" ? { at } : {}),
  };
}

/** Sends batches to the records process as the operator. */
function sendBy(operator: Operator): Send {
  return async (batch) => {
    const answer = await operator.post(
      "records",
      "/internal/import",
      "application/x-ndjson",
      batch,
    );
    if (!answer.ok) return answer;
    const lines = answer.value.trimEnd().split("\n").map(parseAnswer);
    const read = lines.filter((line) => line !== null);
    return read.length === lines.length
      ? ok(read)
      : refuse("upstream-unavailable", { detail: "records answered in a form that is not known" });
  };
}
