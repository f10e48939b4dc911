import { setTimeout as wait } from "node:timers/promises";
import { openHome } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";
import { followRebuild, type Rebuild } from "#cli/keys/follow-rebuild.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import type { CommandContext } from "#cli/program.ts";
import { progressBar } from "#cli/progress.ts";
import { exitCodes, paint, sayProblem } from "#cli/terminal.ts";
import type { Result } from "#core/result.ts";

interface Options {
  readonly json?: boolean;
}

export const reindexCommand: RegisterKeys = (keys, context, done) => {
  keys
    .command("reindex")
    .description("Build the blind indexes anew, under the organisation's newest key")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nSearches go on meanwhile. Cut off, the build goes on by itself; the same command follows it again.\nEvery Patient is opened once: each unwrapped key is in the log, and the brake is lifted by so many.\n\nExit codes: 0 built, 69 not running or held up, 77 refused.\n\nExamples:\n  phylax keys reindex\n  phylax keys reindex --json",
    )
    .action(async (options: Options) => {
      const { terminal } = context;
      const built = await reindex(context);
      if (!built.ok) {
        sayProblem(terminal, built.problem);
        done(built.problem.code === "forbidden" ? exitCodes.refused : exitCodes.unavailable);
        return;
      }
      const { version, done: patients, began } = built.value;
      terminal.out(
        options.json === true
          ? `${JSON.stringify({ version, patients, began })}\n`
          : `${paint(terminal, "green", "✓")} Blind indexes of version ${version} hold ${patients} patients${began ? "" : " (a build that ran already)"}\n`,
      );
      done(exitCodes.done);
    });
};

/** How long the brake is lifted: twice what a slow machine needs, and at most a day. */
const minutesFor = (patients: number): number =>
  Math.min(24 * 60, 30 + Math.ceil(patients / 10_000));

async function reindex({ environment, terminal }: CommandContext): Promise<Result<Rebuild>> {
  const home = openHome(environment.homePath);
  if (!home.ok) return home;
  const operator = await openOperator(home.value);
  const bar = progressBar(terminal, "Patients indexed");
  try {
    return await followRebuild({
      ask: (start) => operator.postJson("records", "/internal/blind-index/rebuild", { start }),
      announce: (patients) => operator.keys.liftBrake(patients, minutesFor(patients)),
      wait,
      onProgress: ({ done, total }) => bar.update(done, Math.max(done, total)),
    });
  } finally {
    bar.stop();
    await operator.close();
  }
}
