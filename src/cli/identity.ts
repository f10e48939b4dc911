import { openHome } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";
import type { Register } from "#cli/program.ts";
import { exitCodes, sayProblem } from "#cli/terminal.ts";
import { isRecord } from "#core/jws.ts";

interface RotateOptions {
  readonly atOnce?: boolean;
  readonly json?: boolean;
}

export const identityCommand: Register = (program, context, done) => {
  const identity = program.command("identity").description("The process that signs people in");
  identity
    .command("rotate-keys")
    .description("Make a new key for signing tokens; by itself that happens every 90 days")
    .option(
      "--at-once",
      "for a key that got out: sign with the new one now and believe nothing that the old ones signed",
    )
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  phylax identity rotate-keys\n  phylax identity rotate-keys --at-once",
    )
    .action(async (options: RotateOptions) => {
      const { terminal } = context;
      const home = openHome(context.environment.homePath);
      if (!home.ok) {
        sayProblem(terminal, home.problem);
        done(exitCodes.config);
        return;
      }
      const operator = await openOperator(home.value);
      const body = { atOnce: options.atOnce === true };
      const answer = await operator.postJson("identity", "/internal/signing-keys", body);
      await operator.close();
      if (!answer.ok) {
        sayProblem(terminal, answer.problem);
        const isDown = answer.problem.code === "upstream-unavailable";
        done(isDown ? exitCodes.unavailable : exitCodes.refused);
        return;
      }
      const made = isRecord(answer.value) ? answer.value : {};
      if (options.json === true) terminal.out(`${JSON.stringify(made)}\n`);
      else
        terminal.out(
          `Key ${String(made["kid"])} signs from ${String(made["signsFrom"])}.\n${
            options.atOnce === true
              ? "Nothing is believed any more that the old keys signed; apps get new tokens by themselves.\n"
              : "The old keys stay until all that they signed is over.\n"
          }`,
        );
    });
};
