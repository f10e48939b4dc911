import type { Command } from "commander";
import { openHome } from "#assembly/home.ts";
import { openLife, type OpenLife } from "#assembly/key-life/open.ts";
import type { Work } from "#assembly/key-life/sweep.ts";
import { operatorOfThisMachine } from "#assembly/operator.ts";
import type { CommandContext } from "#cli/program.ts";
import { progressBar } from "#cli/progress.ts";
import { exitCodes, sayProblem, type Terminal } from "#cli/terminal.ts";
import { problem, type Problem, type ProblemCode } from "#core/problem.ts";
import { failed, type Result } from "#core/result.ts";
import { operatorName } from "#records/operator.ts";

/** What every command that works on keys takes. */
export interface WorkOptions {
  readonly officer?: string;
  readonly backupTo?: string;
  readonly leaveDamaged?: boolean;
  readonly json?: boolean;
}

export function workOptions(command: Command): Command {
  return command
    .option("--officer <name>", "who does it, for the log (default: the user of this machine)")
    .option(
      "--backup-to <folder>",
      "where the backup of the keys goes (default: key-backups in the home)",
    )
    .option("--json", "print one JSON object");
}

/** An explanation of the exit codes, for the end of a command's help. */
export const workExits =
  "Exit codes: 0 done, 64 usage, 69 not running or not reachable, 77 refused: other work on keys is under way, or something does not open. What was cut off is ended by the same command again.";

const exits = new Map<ProblemCode, number>([
  ["parameter-invalid", exitCodes.usage],
  ["not-found", exitCodes.found],
  ["upstream-unavailable", exitCodes.unavailable],
  ["key-unavailable", exitCodes.unavailable],
  ["storage-unavailable", exitCodes.unavailable],
  ["audit-unavailable", exitCodes.unavailable],
  ["already-running", exitCodes.unavailable],
  ["home-refused", exitCodes.config],
]);

/** Says the problem and gives the exit code that stands for it. */
export function sayRefusal(terminal: Terminal, found: Problem): number {
  sayProblem(terminal, found);
  return exits.get(found.code) ?? exitCodes.refused;
}

/** The officer's name as the log takes it; null when it has letters that a name may not have. */
export function officerOf({ officer }: Pick<WorkOptions, "officer">): string | null {
  const name = officer ?? operatorOfThisMachine();
  return operatorName.test(name) ? name : null;
}

/** Opens what a command needs, runs it, closes all again. */
export async function withLife<T>(
  { environment }: CommandContext,
  options: WorkOptions,
  work: (open: OpenLife) => Promise<Result<T>>,
): Promise<Result<T>> {
  const officer = officerOf(options);
  if (officer === null) return failed(namesAre("--officer"));
  const home = openHome(environment.homePath);
  if (!home.ok) return home;
  const open = await openLife(home.value, { officer, backupFolder: options.backupTo ?? null });
  if (!open.ok) return open;
  try {
    return await work(open.value);
  } finally {
    await open.value.close();
  }
}

export const namesAre = (option: string): Problem =>
  problem("parameter-invalid", {
    detail: `${option}: a name has up to 64 letters, digits, dots, hyphens and underscores`,
  });

/** As withLife, with the right to change keys and a progress bar of this name. */
export async function withWork<T>(
  context: CommandContext,
  options: WorkOptions,
  name: string,
  run: (work: Work, open: OpenLife) => Promise<Result<T>>,
): Promise<Result<T>> {
  return withLife(context, options, async (open) => {
    const lock = await open.lock();
    if (!lock.ok) return lock;
    const bar = progressBar(context.terminal, name);
    try {
      const work: Work = {
        life: open.life,
        lock: lock.value,
        onProgress: (done, total) => bar.update(done, total),
        leaveStuck: options.leaveDamaged === true,
      };
      return await run(work, open);
    } finally {
      bar.stop();
      await lock.value.release();
    }
  });
}
