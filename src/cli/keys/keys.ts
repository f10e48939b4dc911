import type { Command } from "commander";
import { backupCommand } from "#cli/keys/backup.ts";
import { escrowCommand } from "#cli/keys/escrow.ts";
import { exposureCommand } from "#cli/keys/exposure.ts";
import { honeyCommand } from "#cli/keys/honey.ts";
import { moveCommand } from "#cli/keys/move-kms.ts";
import { reindexCommand } from "#cli/keys/reindex.ts";
import { resealCommand } from "#cli/keys/reseal.ts";
import { restoreCommand } from "#cli/keys/restore.ts";
import { rotateCommand } from "#cli/keys/rotate-kek.ts";
import { shredCommand } from "#cli/keys/shred.ts";
import { statusCommand } from "#cli/keys/status.ts";
import type { CommandContext, Register } from "#cli/program.ts";

/** One subcommand of `phylax keys`, in a file of its own. */
export type RegisterKeys = (
  keys: Command,
  context: CommandContext,
  done: (code: number) => void,
) => void;

const subcommands: readonly RegisterKeys[] = [
  statusCommand,
  rotateCommand,
  resealCommand,
  reindexCommand,
  shredCommand,
  moveCommand,
  backupCommand,
  restoreCommand,
  escrowCommand,
  exposureCommand,
  honeyCommand,
];

export const keysCommand: Register = (program, context, done) => {
  const keys = program
    .command("keys")
    .description("The keys that seal the records, and their life");
  for (const register of subcommands) register(keys, context, done);
};
