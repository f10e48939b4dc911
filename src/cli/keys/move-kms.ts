import { readFileSync } from "node:fs";
import { moveKms } from "#assembly/key-life/move.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import { sayRefusal, withWork, workExits, workOptions, type WorkOptions } from "#cli/keys/work.ts";
import { exitCodes, paint } from "#cli/terminal.ts";

/** Undefined, which no JSON text means, when the file is not there or not JSON. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

export const moveCommand: RegisterKeys = (keys, context, done) => {
  workOptions(
    keys
      .command("move-kms")
      .description("Wrap the key ring under another KMS's root key, while the keys process goes on")
      .argument("<file>", "the choice of the KMS, as kms.json has it (docs/kms.md)"),
  )
    .addHelpText(
      "after",
      `\nThe file names no secret, only where one lies. The KMS before is not asked any more, but older backups still open under it.\n${workExits}\n\nExamples:\n  phylax keys move-kms hsm.json\n  phylax keys move-kms hsm.json --backup-to /mnt/keys --json`,
    )
    .action(async (file: string, options: WorkOptions) => {
      const { terminal } = context;
      const kms = readJson(file);
      if (kms === undefined) {
        terminal.err(`${file} is not a JSON file that can be read.\n`);
        done(exitCodes.usage);
        return;
      }
      const moved = await withWork(context, options, "Epochs", (work) => moveKms(work.life, kms));
      if (!moved.ok) {
        done(sayRefusal(terminal, moved.problem));
        return;
      }
      const { from, to, epochs, backup } = moved.value;
      if (options.json === true) terminal.out(`${JSON.stringify(moved.value)}\n`);
      else
        terminal.out(
          `${paint(terminal, "green", "✓")} ${epochs} epochs are wrapped by ${to} now (before: ${from})\n  Backup of the keys: ${backup}\n  Older backups still open under ${from}; destroy them when you have tried this one.\n`,
        );
      done(exitCodes.done);
    });
};
