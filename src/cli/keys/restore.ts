import { openHome, readSettings } from "#assembly/home.ts";
import { restore, type Restored } from "#assembly/key-life/restore.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import { namesAre, officerOf, sayRefusal } from "#cli/keys/work.ts";
import type { CommandContext } from "#cli/program.ts";
import { progressBar } from "#cli/progress.ts";
import { exitCodes, paint, type Terminal } from "#cli/terminal.ts";
import { systemClock } from "#core/clock.ts";
import { problem } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { failed, type Result } from "#core/result.ts";

interface Options {
  readonly force?: boolean;
  readonly officer?: string;
  readonly json?: boolean;
}

export const restoreCommand: RegisterKeys = (keys, context, done) => {
  keys
    .command("restore")
    .description(
      "Put a backup of the keys back: the key ring into the home, the keys into the database",
    )
    .argument("<file>", "what phylax keys backup wrote; always the newest there is")
    .option("--force", "although it is older than the ring that is there, or another one")
    .option("--officer <name>", "who does it, for the log (default: the user of this machine)")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nPhylax must be stopped; its database is started for the while. The backup is read through and opened before anything is changed. What was shredded stays shredded, also in an old copy of the database.\nExit codes: 0 done, 1 done but some keys do not open, 69 Phylax runs, 77 the backup is refused, 78 no deployment.\n\nExamples:\n  phylax keys restore /mnt/keys/monday.phylax-keys\n  phylax keys restore monday.phylax-keys --json",
    )
    .action(async (file: string, options: Options) => {
      const { terminal } = context;
      const restored = await perform(file, options, context);
      if (!restored.ok) {
        done(sayRefusal(terminal, restored.problem));
        return;
      }
      if (options.json === true) terminal.out(`${JSON.stringify(restored.value)}\n`);
      else sayRestored(restored.value, terminal);
      done(restored.value.keysLost === 0 ? exitCodes.done : exitCodes.found);
    });
};

async function perform(
  path: string,
  options: Options,
  { environment, terminal }: CommandContext,
): Promise<Result<Restored>> {
  const officer = officerOf(options);
  if (officer === null) return failed(namesAre("--officer"));
  const home = openHome(environment.homePath);
  if (!home.ok) return home;
  const settings = readSettings(home.value);
  if (settings === null)
    return failed(
      problem("home-refused", {
        detail: `there is no deployment in ${environment.homePath}; make one with: npm start`,
      }),
    );
  const bar = progressBar(terminal, "Keys put back");
  try {
    return await restore({
      home: home.value,
      settings,
      environment,
      officer,
      path,
      clock: systemClock,
      random: systemRandom,
      force: options.force === true,
      onProgress: (seen, total) => bar.update(seen, total),
      onStep: (text) => (options.json === true ? null : terminal.out(`  ${text}\n`)),
    });
  } finally {
    bar.stop();
  }
}

function sayRestored(restored: Restored, terminal: Terminal): void {
  const { createdAt, keys, keysReplaced, keysDestroyed, keysLost, epochs, setAside } = restored;
  terminal.out(
    `${paint(terminal, "green", "✓")} The keys are as in the backup of ${createdAt}: epoch ${epochs.join(", ")}, ${keys} data keys, ${keysReplaced} of them put back\n`,
  );
  if (keysDestroyed > 0)
    terminal.out(
      `  ${keysDestroyed} keys of shredded patients were in the database and are gone again\n`,
    );
  if (setAside !== null) terminal.out(`  The ring that was there lies in ${setAside}\n`);
  if (keysLost > 0)
    terminal.err(
      `${paint(terminal, "yellow", "!")} ${keysLost} keys in the database are under other epochs and do not open\n`,
    );
}
