import { openHome } from "#assembly/home.ts";
import { askStatus } from "#assembly/only-one.ts";
import type { Register } from "#cli/program.ts";
import { exitCodes, sayProblem } from "#cli/terminal.ts";

export const statusCommand: Register = (program, context, done) => {
  program
    .command("status")
    .description("Say whether Phylax runs on this home, where, and its processes")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExamples:\n  phylax status\n  phylax status --json")
    .action(async (options: { json?: boolean }) => {
      const { terminal } = context;
      const home = openHome(context.environment.homePath);
      if (!home.ok) {
        sayProblem(terminal, home.problem);
        done(exitCodes.config);
        return;
      }
      const status = await askStatus(home.value);
      if (options.json === true)
        terminal.out(`${JSON.stringify({ running: status !== null, ...status })}\n`);
      else if (status === null)
        terminal.out("Phylax does not run on this home. Start it with: npm start\n");
      else {
        terminal.out(
          `Phylax runs at ${status.publicOrigin} since ${status.since} (${status.mode}).\n`,
        );
        for (const [role, pid] of Object.entries(status.processes))
          terminal.out(`  ${role.padEnd(10)} ${pid ?? "restarting"}\n`);
      }
      done(status === null ? exitCodes.unavailable : exitCodes.done);
    });
};
