import { rotate, type Rotation } from "#assembly/key-life/rotate.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import { sayRefusal, withWork, workExits, workOptions, type WorkOptions } from "#cli/keys/work.ts";
import { exitCodes, paint, type Terminal } from "#cli/terminal.ts";

interface Options extends WorkOptions {
  readonly retireOld?: boolean;
}

export const rotateCommand: RegisterKeys = (keys, context, done) => {
  workOptions(
    keys
      .command("rotate-kek")
      .description("Start a KEK epoch and wrap every data key under it; records stay as they are"),
  )
    .option("--retire-old", "then destroy all older epochs, and older backups in the folder")
    .option("--leave-damaged", "destroy them although some keys do not unwrap and are lost then")
    .addHelpText(
      "after",
      `\nRequests go on meanwhile.\n${workExits}\n\nExamples:\n  phylax keys rotate-kek\n  phylax keys rotate-kek --retire-old --backup-to /mnt/keys --json`,
    )
    .action(async (options: Options) => {
      const { terminal } = context;
      const rotated = await withWork(context, options, "Keys under the new epoch", (work) =>
        rotate(work, { retireOld: options.retireOld === true }),
      );
      if (!rotated.ok) done(sayRefusal(terminal, rotated.problem));
      else {
        if (options.json === true) terminal.out(`${JSON.stringify(rotated.value)}\n`);
        else sayRotation(rotated.value, terminal);
        done(rotated.value.stuck.length === 0 ? exitCodes.done : exitCodes.found);
      }
    });
};

function sayRotation(rotation: Rotation, terminal: Terminal): void {
  const { kekEpoch, resumed, rewrapped, stuck, backup, retired } = rotation;
  const went = resumed ? " (going on with a rotation that was cut off)" : "";
  terminal.out(
    `${paint(terminal, "green", "✓")} ${rewrapped} keys wrapped under epoch ${kekEpoch}${went}\n  Backup of the keys: ${backup}\n`,
  );
  if (retired === null) terminal.out("  Older epochs are kept; --retire-old destroys them.\n");
  else
    terminal.out(
      `  Older epochs destroyed, and ${retired.backupsRemoved} older backups beside the new one. Destroy their copies, too.\n`,
    );
  if (stuck.length > 0)
    terminal.err(
      `${paint(terminal, "yellow", "!")} ${stuck.length} keys do not unwrap and stay as they are; --json names them\n`,
    );
}
