import { readFileSync } from "node:fs";
import { openHome, readSettings } from "#assembly/home.ts";
import { sayVerified } from "#cli/audit/say.ts";
import { isWhole, verifyAll } from "#cli/audit/verify.ts";
import type { CommandContext, Register } from "#cli/program.ts";
import { exitCodes, sayProblem } from "#cli/terminal.ts";

interface Options {
  readonly checkpoint?: readonly string[];
  readonly records?: boolean;
  readonly json?: boolean;
}

export const auditCommand: Register = (program, context, done) => {
  const audit = program.command("audit").description("Questions to the audit log");
  audit
    .command("verify")
    .description(
      "Prove that no entry of the logs was changed, removed or put in another order, the log of the keys process included",
    )
    .option(
      "--checkpoint <file...>",
      "signed checkpoints that were kept elsewhere; only they show a log cut short together with its newest checkpoints",
    )
    .option(
      "--records",
      "prove also that every stored version of every record is the one that the log says was written: none changed, rolled back, missing or added",
    )
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nThe database must be running. Exit codes: 0 all is as signed, 1 something is wrong, 69 no database.\n\nExamples:\n  phylax audit verify\n  phylax audit verify --records\n  phylax audit verify --checkpoint kept/2026-10.txt --json",
    )
    .action(async (options: Options) => done(await verify(options, context)));
};

async function verify(options: Options, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const home = openHome(context.environment.homePath);
  const settings = home.ok ? readSettings(home.value) : null;
  if (!home.ok || settings === null) {
    terminal.err(
      `There is no deployment in ${context.environment.homePath}. Make one with: npm start\n`,
    );
    return exitCodes.config;
  }
  const result = await verifyAll({
    home: home.value,
    settings,
    remembered: (options.checkpoint ?? []).map((path) => readFileSync(path, "utf8")),
    withRecords: options.records === true,
    terminal,
  });
  if (!result.ok) {
    sayProblem(terminal, result.problem);
    terminal.err("  The database must be running; start Phylax with: npm start\n");
    return exitCodes.unavailable;
  }
  const verified = isWhole(result.value);
  if (options.json === true) terminal.out(`${JSON.stringify({ verified, ...result.value })}\n`);
  else sayVerified(result.value, terminal);
  return verified ? exitCodes.done : exitCodes.found;
}
