import type { Command } from "commander";
import { makeEscrow, type EscrowDesk, type MadeEscrow } from "#assembly/escrow/make.ts";
import { openEscrowDesk } from "#assembly/escrow/desk.ts";
import { proveEscrow, type ProvenEscrow } from "#assembly/escrow/prove.ts";
import {
  readPieces,
  restoreFromEscrow,
  type EscrowPieces,
  type RestoredRing,
} from "#assembly/escrow/restore.ts";
import { openHome, readSettings, type Home, type Settings } from "#assembly/home.ts";
import { kmsTools } from "#assembly/kms-tools.ts";
import { rootPassphrase } from "#assembly/root-key.ts";
import { logWhileStopped, whileStopped, withDatabase } from "#assembly/stopped.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import { namesAre, officerOf, sayRefusal } from "#cli/keys/work.ts";
import type { CommandContext } from "#cli/program.ts";
import { exitCodes, paint, type Terminal } from "#cli/terminal.ts";
import { systemClock } from "#core/clock.ts";
import { problem } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { readKmsConfig } from "#keys/kms/config.ts";

interface MakeOptions {
  readonly shares: string;
  readonly threshold: string;
  readonly recipient?: readonly string[];
  readonly out?: string;
  readonly officer?: string;
  readonly json?: boolean;
}

interface PieceOptions {
  readonly file: string;
  readonly share?: readonly string[];
  readonly identity?: readonly string[];
  readonly officer?: string;
  readonly unlogged?: boolean;
  readonly json?: boolean;
}

const another = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

export const escrowCommand: RegisterKeys = (keys, context, done) => {
  const escrow = keys
    .command("escrow")
    .description("Put the keys into escrow: a sealed file, and shares for several custodians")
    .option("--shares <number>", "how many shares there are to be", "5")
    .option("--threshold <number>", "how many of them open the escrow", "3")
    .option("--out <folder>", "a new folder for the sealed file and the shares")
    .option(
      "--recipient <age1…>",
      "age recipient of one custodian; give one for each share",
      another,
    )
    .option("--officer <name>", "who does it, for the log (default: the user of this machine)")
    .option("--json", "print one JSON object")
    .addHelpText("after", makeHelp)
    .action(async (options: MakeOptions) => done(await make(options, context)));
  pieceOptions(escrow.command("rehearse"))
    .description(
      "Prove that shares open an escrow and that it holds the running keys; writes no key",
    )
    .addHelpText("after", rehearseHelp)
    .action(async (options: PieceOptions) => done(await rehearse(options, context)));
  pieceOptions(escrow.command("restore"))
    .description("Make the keys folder anew from an escrow, under a new passphrase or KMS")
    .option("--unlogged", "although the database, and so the log, cannot be reached")
    .addHelpText("after", restoreHelp)
    .action(async (options: PieceOptions) => done(await restore(options, context)));
};

function pieceOptions(command: Command): Command {
  return command
    .requiredOption("--file <path>", "the sealed file, escrow.age")
    .option("--share <path>", "a share's file; once for each", another)
    .option(
      "--identity <path>",
      "a custodian's age key file, for shares that are encrypted",
      another,
    )
    .option("--officer <name>", "who does it, for the log (default: the user of this machine)")
    .option("--json", "print one JSON object");
}

const makeHelp = `
Phylax must be running. Without --recipient the shares are written in the clear.
Exit codes: 0 made and proven to open, 69 not running, 77 refused.

Examples:
  phylax keys escrow --out escrow-2026
  phylax keys escrow --shares 3 --threshold 2 --out escrow-2026 \\
    --recipient age1… --recipient age1pq1… --recipient age1…`;

const rehearseHelp = `
Phylax must be running. Exit codes: 0 the escrow opens and holds the running keys,
1 it opens but is out of date, 69 not running, 77 it does not open.

Examples:
  phylax keys escrow rehearse --file escrow.age --share 1.txt --share 2.txt --share 4.txt
  phylax keys escrow rehearse --file escrow.age --share <(age -d -i a.key share-1-of-5.age) …`;

const restoreHelp = `
Phylax must not be running, and the home's keys folder must be gone or empty. The new root key lies
under the passphrase of PHYLAX_ROOT_PASSPHRASE(_FILE), or in the KMS that is configured.

Examples:
  phylax keys escrow restore --file escrow.age --share 1.txt --share 2.txt --share 4.txt`;

interface Place {
  readonly home: Home;
  readonly settings: Settings;
  readonly officer: string;
}

/** The deployment and who asks; fails with what is wrong with either. */
function placeOf(
  { environment }: CommandContext,
  options: { readonly officer?: string },
): Result<Place> {
  const officer = officerOf(options);
  if (officer === null) return failed(namesAre("--officer"));
  const home = openHome(environment.homePath);
  if (!home.ok) return home;
  const settings = readSettings(home.value);
  const detail = `there is no deployment in ${environment.homePath}; make one with: npm start`;
  return settings === null
    ? failed(problem("home-refused", { detail }))
    : ok({ home: home.value, settings, officer });
}

/** Runs `work` with the way to the running processes, and closes it again. */
async function atDesk<T>(
  context: CommandContext,
  options: { readonly officer?: string },
  work: (desk: EscrowDesk) => Promise<Result<T>>,
): Promise<Result<T>> {
  const place = placeOf(context, options);
  if (!place.ok) return place;
  const desk = await openEscrowDesk(place.value.home, place.value.officer);
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}

async function make(options: MakeOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { out: folder } = options;
  if (folder === undefined) {
    terminal.err("Name a new folder for the escrow: phylax keys escrow --out FOLDER\n");
    return exitCodes.usage;
  }
  const order = {
    shares: Number(options.shares),
    threshold: Number(options.threshold),
    recipients: options.recipient ?? [],
    folder,
  };
  const made = await atDesk(context, options, (desk) => makeEscrow(order, desk));
  if (!made.ok) return sayRefusal(terminal, made.problem);
  if (options.json === true) terminal.out(`${JSON.stringify(made.value)}\n`);
  else sayMade(made.value, terminal);
  return exitCodes.done;
}

function sayMade(made: MadeEscrow, terminal: Terminal): void {
  const { escrow, shares, threshold, epochs, encrypted, files } = made;
  terminal.out(
    `${paint(terminal, "green", "✓")} Escrow ${escrow}: epoch ${epochs.join(", ")}, opened once by ${threshold} of its ${shares} shares\n`,
  );
  for (const file of files) terminal.out(`    ${file}\n`);
  if (!encrypted)
    terminal.err(
      `${paint(terminal, "yellow", "!")} THE SHARES ARE NOT ENCRYPTED. Whoever copies ${threshold} of them can open every record.\n  Hand each to its custodian now and destroy the folder, or make the escrow with --recipient.\n`,
    );
  terminal.out(
    "  Destroy older escrows: they still open what was shredded since. Rehearse this one: phylax keys escrow rehearse --help\n",
  );
}

async function rehearse(options: PieceOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const proven = await atDesk(context, options, async (desk) => {
    const read = await readPieces(piecesOf(options));
    if (!read.ok) return read;
    const found = await proveEscrow(read.value.file, read.value.shares, desk.keys);
    if (!found.ok) return found;
    const state = isUpToDate(found.value) ? "up-to-date" : "out-of-date";
    const logged = await desk.log(["rehearsed", `escrow-${found.value.escrow}`, state]);
    return logged.ok ? found : logged;
  });
  if (!proven.ok) return sayRefusal(terminal, proven.problem);
  const upToDate = isUpToDate(proven.value);
  if (options.json === true) terminal.out(`${JSON.stringify({ upToDate, ...proven.value })}\n`);
  else sayProven(proven.value, terminal);
  return upToDate ? exitCodes.done : exitCodes.found;
}

const isUpToDate = ({ match }: ProvenEscrow): boolean =>
  match.current && match.missing.length === 0 && match.destroyed.length === 0;

function sayProven(proven: ProvenEscrow, terminal: Terminal): void {
  const { epochs, match } = proven;
  const good = isUpToDate(proven);
  const sign = good ? paint(terminal, "green", "✓") : paint(terminal, "yellow", "!");
  terminal.out(`${sign} The shares open the escrow; it holds epoch ${epochs.join(", ")}\n`);
  if (good) terminal.out("  These are the keys that run now. Nothing was written.\n");
  else if (!match.current && match.missing.length === 0)
    terminal.out("  They are not the keys that run now: this escrow is of another deployment.\n");
  if (match.missing.length > 0)
    terminal.out(`  It lacks epoch ${match.missing.join(", ")}. Make a new escrow.\n`);
  if (match.destroyed.length > 0)
    terminal.out(
      `  Epoch ${match.destroyed.join(", ")} was destroyed since; this escrow would bring it back, and with it what was shredded. Make a new escrow and destroy this one with all its copies.\n`,
    );
}

async function restore(options: PieceOptions, context: CommandContext): Promise<number> {
  const { terminal, environment } = context;
  const place = placeOf(context, options);
  if (!place.ok) return sayRefusal(terminal, place.problem);
  const { home } = place.value;
  const restored = await restoreInto(place.value, options, context);
  if (!restored.ok) return sayRefusal(terminal, restored.problem);
  const folder = home.file("keys");
  if (options.json === true) terminal.out(`${JSON.stringify({ folder, ...restored.value })}\n`);
  else sayRestored(folder, restored.value, terminal);
  const secret =
    environment.kmsFile === null ? rootPassphrase(home, environment, systemRandom) : null;
  if (secret?.ok === true && secret.value.warning !== null)
    terminal.err(`${paint(terminal, "yellow", "!")} ${secret.value.warning}\n`);
  return exitCodes.done;
}

function sayRestored(folder: string, { epochs }: RestoredRing, terminal: Terminal): void {
  terminal.out(
    `${paint(terminal, "green", "✓")} ${folder} holds epoch ${epochs.join(", ")} again, under a new root key\n`,
  );
  terminal.out(
    "  Start Phylax. Then: phylax keys rotate-kek --retire-old, phylax keys escrow --out FOLDER, and destroy this escrow.\n",
  );
}

async function restoreInto(
  place: Place,
  options: PieceOptions,
  { environment }: CommandContext,
): Promise<Result<RestoredRing>> {
  const stopped = { ...place, environment, clock: systemClock, random: systemRandom };
  const { kmsFile } = environment;
  const choice = kmsFile === null ? ok(null) : await readKmsConfig(kmsFile);
  if (!choice.ok) return choice;
  const home = {
    folder: place.home.file("keys"),
    choice: choice.value,
    passphrase: () => {
      const secret = rootPassphrase(place.home, environment, systemRandom);
      return secret.ok ? ok(secret.value.passphrase) : secret;
    },
    random: systemRandom,
    clock: systemClock,
    tools: kmsTools,
  };
  const log = (reasons: readonly string[]): Promise<Result<null>> =>
    logWhileStopped(stopped, { action: "key-restore", reasons, count: 1 });
  const pieces = piecesOf(options);
  return whileStopped(stopped, () =>
    options.unlogged === true
      ? restoreFromEscrow(pieces, { home, log: async () => ok(null) })
      : withDatabase(stopped, () => restoreFromEscrow(pieces, { home, log })),
  );
}

const piecesOf = ({ file, share = [], identity = [] }: PieceOptions): EscrowPieces => ({
  file,
  shares: share,
  identities: identity,
});
