import { patientOf } from "#assembly/key-life/patient.ts";
import { reseal, type Resealing } from "#assembly/key-life/reseal.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import { sayRefusal, withWork, workExits, workOptions, type WorkOptions } from "#cli/keys/work.ts";
import { exitCodes, paint, type Terminal } from "#cli/terminal.ts";

interface Options extends WorkOptions {
  readonly patient?: string;
  readonly all?: boolean;
}

export const resealCommand: RegisterKeys = (keys, context, done) => {
  workOptions(
    keys
      .command("reseal")
      .description(
        "Give patients a new data key and seal their rows under it, after a key was seen",
      ),
  )
    .option("--patient <id>", "a Patient's id, or the pseudonym")
    .option("--all", "every patient, and the organisation's own")
    .addHelpText(
      "after",
      `\nRequests go on meanwhile. The patient's old keys stay, as older versions of rows in copies of the database need them.\n${workExits}\n\nExamples:\n  phylax keys reseal --patient 1f0c…\n  phylax keys reseal --all --json`,
    )
    .action(async (options: Options) => {
      const { terminal } = context;
      const { patient, all = false } = options;
      if ((patient !== undefined) === all) {
        terminal.err("Name one patient with --patient, or all with --all.\n");
        done(exitCodes.usage);
        return;
      }
      const resealed = await withWork(context, options, "Patients sealed anew", async (work) => {
        if (patient === undefined) return reseal(work, null);
        const whose = await patientOf(work.life, patient);
        return whose.ok ? reseal(work, [whose.value]) : whose;
      });
      if (!resealed.ok) {
        done(sayRefusal(terminal, resealed.problem));
        return;
      }
      if (options.json === true) terminal.out(`${JSON.stringify(resealed.value)}\n`);
      else sayResealing(resealed.value, terminal);
      const { patients, damaged } = resealed.value;
      done(patients > 0 && damaged === 0 ? exitCodes.done : exitCodes.found);
    });
};

function sayResealing(resealing: Resealing, terminal: Terminal): void {
  const { patients, rows, damaged, resumed, backup } = resealing;
  const went = resumed ? " (going on where the last run ended)" : "";
  terminal.out(
    `${paint(terminal, "green", "✓")} ${patients} compartments have a new key; ${rows} rows sealed under it${went}\n  Backup of the keys: ${backup}\n`,
  );
  if (damaged > 0)
    terminal.err(
      `${paint(terminal, "yellow", "!")} ${damaged} rows do not open and stay as they are\n`,
    );
  if (patients === 0) terminal.err("  Nobody was found who has a key.\n");
}
