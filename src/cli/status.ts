import { openHome, type Home } from "#assembly/home.ts";
import { readUpstreamSettings } from "#assembly/upstream.ts";
import { askStatus, type RunningStatus } from "#assembly/only-one.ts";
import type { Register } from "#cli/program.ts";
import { exitCodes, paint, sayProblem } from "#cli/terminal.ts";
import { unreachable } from "#core/result.ts";

function keysTrouble(health: RunningStatus["keys"]): string | null {
  switch (health) {
    case "grace":
      return "The keys process does not answer; records are still read with the keys in memory.";
    case "gone":
      return "The keys process does not answer; no record can be read or written.";
    case "ok":
    case null:
      return null;
    default:
      return unreachable(health);
  }
}

/** Where the records are, when not here. */
async function recordsElsewhere(home: Home): Promise<string | null> {
  const settings = await readUpstreamSettings(home);
  if (!settings.ok || settings.value === null) return null;
  const { origin, path } = settings.value.base;
  return `Records are those of ${origin}${path}; nothing is sealed there.`;
}

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
        const trouble = keysTrouble(status.keys);
        const elsewhere = await recordsElsewhere(home.value);
        if (elsewhere !== null) terminal.out(`${paint(terminal, "yellow", "!")} ${elsewhere}\n`);
        if (trouble !== null) terminal.out(`${paint(terminal, "yellow", "!")} ${trouble}\n`);
      }
      done(status === null ? exitCodes.unavailable : exitCodes.done);
    });
};
