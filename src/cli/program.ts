import { Command, CommanderError } from "commander";
import type { Environment } from "#assembly/environment.ts";
import { fipsRefusal, systemFipsProbe } from "#assembly/fips.ts";
import { productVersion } from "#assembly/version.ts";
import { appsCommand } from "#cli/apps.ts";
import { auditCommand } from "#cli/audit.ts";
import { authorityCommand } from "#cli/authority.ts";
import { deviceCommand } from "#cli/device/device.ts";
import { doctorCommand } from "#cli/doctor.ts";
import { fhirCommand } from "#cli/fhir.ts";
import { identityCommand } from "#cli/identity.ts";
import { importCommand } from "#cli/import.ts";
import { inviteCommand } from "#cli/invite.ts";
import { keysCommand } from "#cli/keys/keys.ts";
import { lettersCommand } from "#cli/letters.ts";
import { peopleCommand } from "#cli/people/people.ts";
import { policyCommand } from "#cli/policy/policy.ts";
import { signInWithCommand } from "#cli/sign-in-with/sign-in-with.ts";
import { startCommand } from "#cli/start.ts";
import { statusCommand } from "#cli/status.ts";
import { exitCodes, sayProblem, type Terminal } from "#cli/terminal.ts";

/** All that a command is handed. */
export interface CommandContext {
  readonly environment: Environment;
  /** For child processes only. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Path of main.ts, for starting the role processes. */
  readonly main: string;
  readonly userHome: string;
  readonly terminal: Terminal;
}

/** A command's action gives its exit code through `done`. */
export type Register = (
  program: Command,
  context: CommandContext,
  done: (code: number) => void,
) => void;

const commands: readonly Register[] = [
  startCommand,
  statusCommand,
  doctorCommand,
  importCommand,
  fhirCommand,
  auditCommand,
  keysCommand,
  inviteCommand,
  appsCommand,
  deviceCommand,
  identityCommand,
  lettersCommand,
  peopleCommand,
  policyCommand,
  signInWithCommand,
  authorityCommand,
];

/** Runs one command line. Resolves with its exit code (see `exitCodes`); never throws for bad usage. */
export async function runCommand(
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  let code: number = exitCodes.done;
  const program = new Command("phylax")
    .description("A patient portal with the guard built in.")
    .version(productVersion())
    .showHelpAfterError("Run `phylax --help` to see what there is.")
    .exitOverride()
    // Else what stands behind `keys escrow rehearse` would be taken for an option of `keys escrow`.
    .enablePositionalOptions()
    .configureOutput({ writeOut: context.terminal.out, writeErr: context.terminal.err })
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 found something, 64 usage, 69 not running, 70 failed, 77 refused, 78 configuration.\nThe deployment lives in $PHYLAX_HOME (default .phylax).",
    );
  program.hook("preAction", (_program, command) => {
    if (!mayRun(command, context)) throw new CommanderError(exitCodes.config, refusedByFips, "");
  });
  for (const register of commands)
    register(program, context, (given) => {
      code = given;
    });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === refusedByFips) return exitCodes.config;
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
}

const refusedByFips = "phylax.fips";

/**
 * Whether FIPS mode, where it is required, holds in this very process. The doctor may always speak,
 * and a role alone says it itself, to its supervisor as well.
 */
function mayRun(command: Command, { environment, terminal }: CommandContext): boolean {
  const isRole = command.name() === "start" && command.getOptionValue("role") !== undefined;
  if (isRole || command.name() === "doctor") return true;
  const unfit = fipsRefusal(environment.fipsRequired, systemFipsProbe);
  if (unfit !== null) sayProblem(terminal, unfit);
  return unfit === null;
}
