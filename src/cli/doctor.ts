import { existsSync } from "node:fs";
import type { Check } from "#assembly/doctor/check.ts";
import { examine } from "#assembly/doctor/doctor.ts";
import { openHome, readSettings } from "#assembly/home.ts";
import { askStatus } from "#assembly/only-one.ts";
import type { CommandContext, Register } from "#cli/program.ts";
import { exitCodes, paint, sayProblem, type Terminal } from "#cli/terminal.ts";
import { systemClock } from "#core/clock.ts";
import { problem } from "#core/problem.ts";

export const doctorCommand: Register = (program, context, done) => {
  program
    .command("doctor")
    .description("Look at keys, disks, certificates, database and clock, and say what to do")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nIt changes nothing, and may run at any time, with the same variables as Phylax itself.\nExit codes: 0 nothing failed (there may be warnings), 1 something failed, 78 no deployment.\n\nExamples:\n  phylax doctor\n  phylax doctor --json | jq '.checks[] | select(.state != \"ok\")'",
    )
    .action(async (options: { json?: boolean }) => done(await doctor(options, context)));
};

async function doctor(
  options: { json?: boolean },
  { environment, terminal }: CommandContext,
): Promise<number> {
  // Opening a home would make it, and this command makes nothing.
  const home = existsSync(environment.homePath) ? openHome(environment.homePath) : null;
  const settings = home?.ok === true ? readSettings(home.value) : null;
  if (home?.ok !== true || settings === null) {
    const detail = `there is no deployment in ${environment.homePath}; make one with: npm start`;
    sayProblem(terminal, home?.ok === false ? home.problem : problem("home-refused", { detail }));
    return exitCodes.config;
  }
  const running = (await askStatus(home.value)) !== null;
  const patient = { home: home.value, settings, environment, clock: systemClock, running };
  const checks = await examine(patient, process.getuid?.() ?? null);
  const healthy = checks.every(({ state }) => state !== "fail");
  if (options.json === true) terminal.out(`${JSON.stringify({ healthy, running, checks })}\n`);
  else sayChecks(checks, terminal);
  return healthy ? exitCodes.done : exitCodes.found;
}

const signs = { ok: ["green", "✓"], warn: ["yellow", "!"], fail: ["red", "✗"] } as const;

function sayChecks(checks: readonly Check[], terminal: Terminal): void {
  for (const { name, state, says, next } of checks) {
    const [colour, sign] = signs[state];
    terminal.out(`${paint(terminal, colour, sign)} ${paint(terminal, "bold", name)}: ${says}\n`);
    if (next !== null) terminal.out(`    → ${next}\n`);
  }
}
