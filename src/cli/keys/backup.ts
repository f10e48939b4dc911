import { resolve } from "node:path";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import { sayRefusal, withWork, workExits, workOptions, type WorkOptions } from "#cli/keys/work.ts";
import { exitCodes, paint } from "#cli/terminal.ts";

interface Options extends WorkOptions {
  readonly to?: string;
}

export const backupCommand: RegisterKeys = (keys, context, done) => {
  workOptions(
    keys
      .command("backup")
      .description(
        "Write the key ring and all wrapped data keys into one file, sealed as they are",
      ),
  )
    .option("--to <file>", "the backup's path (default: a name of its own in the backup folder)")
    .addHelpText(
      "after",
      `\nWhat it holds opens only with the passphrase, or the HSM. Keep it apart from the data and the passphrase apart from both.\n${workExits}\n\nExamples:\n  phylax keys backup --to /mnt/keys/monday.phylax-keys\n  phylax keys backup --json | jq -r .path`,
    )
    .action(async (options: Options) => {
      const { terminal } = context;
      const path = options.to === undefined ? null : resolve(options.to);
      const made = await withWork(context, options, "Keys", (_, open) => open.backUpTo(path));
      if (!made.ok) {
        done(sayRefusal(terminal, made.problem));
        return;
      }
      const { keys: count, shredded } = made.value;
      if (options.json === true) terminal.out(`${JSON.stringify(made.value)}\n`);
      else
        terminal.out(
          `${paint(terminal, "green", "✓")} ${made.value.path}: the key ring and ${count} wrapped keys (${shredded} patients shredded)\n`,
        );
      done(exitCodes.done);
    });
};
