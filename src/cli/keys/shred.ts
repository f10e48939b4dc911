import { createInterface } from "node:readline/promises";
import { patientOf } from "#assembly/key-life/patient.ts";
import { shred, type Shredded } from "#assembly/key-life/shred.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import {
  namesAre,
  officerOf,
  sayRefusal,
  withWork,
  workExits,
  workOptions,
  type WorkOptions,
} from "#cli/keys/work.ts";
import type { CommandContext } from "#cli/program.ts";
import { exitCodes, paint, type Terminal } from "#cli/terminal.ts";
import { problem, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { operatorName } from "#records/operator.ts";

interface Options extends WorkOptions {
  readonly patient: string;
  readonly reason: string;
  readonly secondOfficer: string;
  readonly yes?: boolean;
}

const reasonCharactersMax = 200;

export const shredCommand: RegisterKeys = (keys, context, done) => {
  workOptions(
    keys
      .command("shred")
      .description(
        "Destroy one patient's keys for good: nothing of hers opens ever again, in no copy",
      ),
  )
    .requiredOption("--patient <id>", "the Patient's id, or the pseudonym")
    .requiredOption("--reason <text>", "why, without a name; kept beside the pseudonym")
    .requiredOption("--second-officer <name>", "who else has decided it; not the first officer")
    .option("--yes", "do not ask again")
    .option("--leave-damaged", "go on although keys of others do not unwrap and are lost then")
    .addHelpText("after", help)
    .action(async (options: Options) => {
      const { terminal } = context;
      const ordered = orderOf(options);
      if (!ordered.ok) {
        done(sayRefusal(terminal, ordered.problem));
        return;
      }
      if (options.yes !== true && !(await isConfirmed(options.patient, terminal))) {
        terminal.err("Nothing was done.\n");
        done(exitCodes.usage);
        return;
      }
      const shredded = await perform(ordered.value, options, context);
      if (!shredded.ok) {
        done(sayRefusal(terminal, shredded.problem));
        return;
      }
      if (options.json === true) terminal.out(`${JSON.stringify(shredded.value)}\n`);
      else sayShredded(shredded.value, terminal);
      done(exitCodes.done);
    });
};

const help = `
The patient's keys are deleted, all other keys go under a new KEK epoch, the keys are backed up and
every older epoch is destroyed, in the ring and in older backups in the same folder. Requests go on
meanwhile. Keep the new backup: with it an old copy of the database opens, but for the shredded.
${workExits}

Examples:
  phylax keys shred --patient 1f0c… --reason 'erasure ordered, file 2026-114' --second-officer b.okafor
  phylax keys shred --patient 1f0c… --reason … --second-officer b.okafor --yes --json`;

interface Names {
  readonly officer: string;
  readonly secondOfficer: string;
  readonly reason: string;
}

/** Who and why. Fails with "parameter-invalid"; one person under two spellings is one person. */
function orderOf(options: Options): Result<Names> {
  const { secondOfficer, reason } = options;
  const officer = officerOf(options);
  const invalid = (detail: string): { ok: false; problem: Problem } =>
    failed(problem("parameter-invalid", { detail }));
  if (officer === null) return failed(namesAre("--officer"));
  if (!operatorName.test(secondOfficer)) return failed(namesAre("--second-officer"));
  if (officer.toLowerCase() === secondOfficer.toLowerCase())
    return invalid(
      "the second officer must be another person than the first; name yourself with --officer",
    );
  if (reason.trim() === "" || reason.length > reasonCharactersMax)
    return invalid(`--reason: up to ${reasonCharactersMax} characters, and not empty`);
  return ok({ officer, secondOfficer, reason: reason.trim() });
}

/** Only a person at a terminal can be asked; a script must say --yes. */
async function isConfirmed(patient: string, terminal: Terminal): Promise<boolean> {
  if (!terminal.isTerminal || !process.stdin.isTTY) {
    terminal.err("Without a terminal to ask at, --yes must be given.\n");
    return false;
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question(
    `This cannot be undone, by nobody. Type the patient's id again to destroy her keys: `,
  );
  asking.close();
  return answer.trim() === patient;
}

function perform(
  names: Names,
  options: Options,
  context: CommandContext,
): Promise<Result<Shredded>> {
  return withWork(context, options, "Keys of all others", async (work) => {
    const patient = await patientOf(work.life, options.patient);
    return patient.ok ? shred(work, { ...names, patient: patient.value }) : patient;
  });
}

function sayShredded(shredded: Shredded, terminal: Terminal): void {
  const { patient, already, keysDestroyed, rewrapped, kekEpoch, backup, backupsRemoved } = shredded;
  if (already) {
    terminal.out(
      `${paint(terminal, "green", "✓")} ${patient} was shredded before; nothing is left to do\n`,
    );
    return;
  }
  terminal.out(
    `${paint(terminal, "green", "✓")} ${patient}: ${keysDestroyed} keys destroyed; ${rewrapped} keys of all others are under epoch ${kekEpoch}, the only one left\n`,
  );
  terminal.out(`  Backup of the keys: ${backup ?? ""}\n`);
  terminal.out(
    `  ${backupsRemoved} older backups beside it were removed. Destroy every other copy of older backups and escrows: they would bring the patient back.\n`,
  );
}
