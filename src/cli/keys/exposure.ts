import { connectionOf } from "#assembly/database.ts";
import { callersOnRecord, exposureDeps, keysFolder } from "#assembly/exposure.ts";
import { openHome, readSettings, type Home, type Settings } from "#assembly/home.ts";
import { exposureOf, type ExposureQuestion } from "#breach/exposure.ts";
import { jsonAnswer, plainAnswer, type AnswerEnd } from "#cli/keys/exposure/answer.ts";
import { parseQuestion, type ExposureOptions } from "#cli/keys/exposure/question.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import { sayRefusal } from "#cli/keys/work.ts";
import type { CommandContext } from "#cli/program.ts";
import { progressBar } from "#cli/progress.ts";
import { exitCodes, type Terminal } from "#cli/terminal.ts";
import { problem, refuse } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { verifyKeyLog } from "#keys/key-log.ts";
import { openDatabase } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

const help = `
Times are ISO 8601 with their zone, or dates (UTC); --to is not included. Without --from and --to
all of the time there are records of is meant. The machine of the keys process, named without a
role, means the keys process too: everything that its epochs could unwrap.
Exit codes: 0 answered, 1 no record names that host, 64 usage, 69 no database.

Examples:
  phylax keys exposure --host records@local --from 2026-10-30T22:00:00Z --to 2026-10-31T04:00:00Z
  phylax keys exposure --host local --from 2026-10-30
  phylax keys exposure --key organisation/1
  phylax keys exposure --kek-epoch 3 --to 2026-10-31 --json | jq .found.patients
  phylax keys exposure --backup 2026-10-31T02:00:00Z --kek-epoch 3`;

export const exposureCommand: RegisterKeys = (keys, context, done) => {
  keys
    .command("exposure")
    .description(
      "Say which patients a lost key, host, KEK epoch or backup exposes, and by which evidence",
    )
    .option(
      "--key <compartment[/version]>",
      "a data key: a patient's pseudonym, organisation or identity",
    )
    .option("--host <[role@]name>", "a host that was given keys, by the name in the key log")
    .option("--kek-epoch <number>", "a key-encryption key; with --backup, one that was lost too")
    .option("--backup <time>", "a stolen copy of the database as it was at this time")
    .option("--from <time>", "the loss began")
    .option("--to <time>", "the loss ended")
    .option("--json", "print one JSON object, each patient on a line of its own")
    .addHelpText("after", help)
    .action(async (options: ExposureOptions) => done(await exposure(options, context)));
};

async function exposure(options: ExposureOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const question = parseQuestion(options);
  if (!question.ok) return sayRefusal(terminal, question.problem);
  const home = openHome(context.environment.homePath);
  if (!home.ok) return sayRefusal(terminal, home.problem);
  const settings = readSettings(home.value);
  if (settings === null) {
    terminal.err(`There is no deployment in ${home.value.path}. Make one with: npm start\n`);
    return exitCodes.config;
  }
  const known = await knownHost(home.value, question.value);
  if (!known.ok) return sayRefusal(terminal, known.problem);
  const answered = await answer({ home: home.value, settings, options, terminal }, question.value);
  if (answered.ok) return exitCodes.done;
  terminal.err("  The database must be running; start Phylax with: npm start\n");
  return sayRefusal(terminal, answered.problem);
}

/** A host that no record names is a typing error sooner than one that was never given a key. */
async function knownHost(home: Home, question: ExposureQuestion): Promise<Result<null>> {
  if (question.kind !== "host") return ok(null);
  const callers = await callersOnRecord(home);
  if (callers.length === 0 || callers.some((caller) => caller.endsWith(`@${question.host}`)))
    return ok(null);
  const detail = `No record names the host ${question.host}. On record are: ${callers.join(", ")}`;
  return refuse("not-found", { detail });
}

interface Asking {
  readonly home: Home;
  readonly settings: Settings;
  readonly options: ExposureOptions;
  readonly terminal: Terminal;
}

/** Tells the answer as it is found. Fails as storage-unavailable or storage-full, having told a part. */
async function answer(asking: Asking, question: ExposureQuestion): Promise<Result<AnswerEnd>> {
  const { home, settings, options, terminal } = asking;
  const db = openDatabase({
    connection: connectionOf(home, "phylax_auditor"),
    tenant: settings.tenant,
    maxConnections: 1,
  });
  const bar = progressBar(
    { ...terminal, isTerminal: terminal.isTerminal && options.json !== true },
    "Patients",
  );
  const telling = (options.json === true ? jsonAnswer : plainAnswer)(terminal, question);
  const found = { patients: 0, shredded: 0, unreadable: 0, keyLogFindings: 0 };
  try {
    const walked = await attempt(async () => {
      found.keyLogFindings = (await verifyKeyLog(keysFolder(home))).findings.length;
      const deps = {
        ...exposureDeps(home, settings, db),
        onProgress: (parts: number, of: number) => bar.update(parts, of),
        onUnreadable: () => {
          found.unreadable += 1;
        },
      };
      for await (const exposed of exposureOf(question, deps)) {
        if (exposed.patient !== null) found.patients += 1;
        if (exposed.shreddedAt !== null) found.shredded += 1;
        telling.tell(exposed);
      }
    });
    bar.stop();
    if (!walked.ok) return failed(problem(walked.problem.code));
    telling.end(found);
    return ok(found);
  } finally {
    await db.close();
  }
}
