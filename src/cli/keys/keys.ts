import type { Command } from "commander";
import { escrowCommand } from "#cli/keys/escrow.ts";
import type { CommandContext, Register } from "#cli/program.ts";

/** One subcommand of `phylax keys`, in a file of its own. */
export type RegisterKeys = (
  keys: Command,
  context: CommandContext,
  done: (code: number) => void,
) => void;

const subcommands: readonly RegisterKeys[] = [escrowCommand];

export const keysCommand: Register = (program, context, done) => {
  const keys = program
    .command("keys")
    .description("The keys that seal the records, and their life");
  for (const register of subcommands) register(keys, context, done);
};
