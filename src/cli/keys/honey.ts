import { openHome } from "#assembly/home.ts";
import { honeyLimits, layHoney } from "#assembly/honey.ts";
import { askStatus } from "#assembly/only-one.ts";
import { openOperator } from "#assembly/operator.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import { progressBar } from "#cli/progress.ts";
import type { CommandContext } from "#cli/program.ts";
import { exitCodes, paint, sayProblem } from "#cli/terminal.ts";
import { systemClock } from "#core/clock.ts";
import { problem } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";

interface Options {
  readonly count: string;
  readonly json?: boolean;
}

export const honeyCommand: RegisterKeys = (keys, context, done) => {
  keys
    .command("honey")
    .description("Lay records of patients who never were: whoever opens one raises an alarm")
    .option("--count <patients>", `how many patients, up to ${honeyLimits.patients}`, "5")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      '\nNobody cares for these patients and no search finds them, so that no honest path opens their\nrecords. Nothing outside of the ciphertext tells them apart, this command\'s output neither.\nOpening one writes the signal "honey-record" into the log, with who did.\n\nExamples:\n  phylax keys honey\n  phylax keys honey --count 50 --json',
    )
    .action(async (options: Options) => done(await runHoney(options, context)));
};

async function runHoney(options: Options, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const count = Number(options.count);
  if (!Number.isInteger(count) || count < 1 || count > honeyLimits.patients) {
    terminal.err(`--count is a number from 1 to ${honeyLimits.patients}.\n`);
    return exitCodes.usage;
  }
  const home = openHome(context.environment.homePath);
  const status = home.ok ? await askStatus(home.value) : null;
  if (!home.ok || status === null) {
    const detail = "Phylax does not run on this home. Start it with: npm start";
    sayProblem(terminal, home.ok ? problem("upstream-unavailable", { detail }) : home.problem);
    return exitCodes.unavailable;
  }
  const operator = await openOperator(home.value);
  const bar = progressBar(terminal, "Patients");
  const laid = await layHoney(count, {
    operator,
    clock: systemClock,
    random: systemRandom,
    progress: (patients, of) => bar.update(patients, of),
  });
  bar.stop();
  await operator.close();
  if (!laid.ok) {
    sayProblem(terminal, laid.problem);
    return exitCodes.software;
  }
  const { patients, records } = laid.value;
  terminal.out(
    options.json === true
      ? `${JSON.stringify(laid.value)}\n`
      : `${paint(terminal, "green", "✓")} ${records} honey records of ${patients} patients lie among the others\n`,
  );
  return exitCodes.done;
}
