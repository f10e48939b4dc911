import type { Command } from "commander";
import { makeEscrow, type MadeEscrow } from "#assembly/escrow/make.ts";
import { openEscrowDesk } from "#assembly/escrow/desk.ts";
import { proveEscrow, type ProvenEscrow } from "#assembly/escrow/prove.ts";
import { readPieces, restoreFromEscrow, type EscrowPieces } from "#assembly/escrow/restore.ts";
import { openHome, readSettings, type Home } from "#assembly/home.ts";
import { kmsTools } from "#assembly/kms-tools.ts";
import { askStatus } from "#assembly/only-one.ts";
import { rootPassphrase } from "#assembly/root-key.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import type { CommandContext } from "#cli/program.ts";
import { exitCodes, paint, sayProblem, type Terminal } from "#cli/terminal.ts";
import { systemClock } from "#core/clock.ts";
import { problem, type Problem, type ProblemCode } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";

interface MakeOptions {
  readonly shares: string;
  readonly threshold: string;
  readonly recipient?: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
}

interface PieceOptions {
  readonly file: string;
  readonly share?: readonly string[];
  readonly identity?: readonly string[];
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

/** The deployment's home; null after it was said that there is none. */
function homeOf({ environment, terminal }: CommandContext): Home | null {
  const home = openHome(environment.homePath);
  if (home.ok && readSettings(home.value) !== null) return home.value;
  const detail = `there is no deployment in ${environment.homePath}; make one with: npm start`;
  sayProblem(terminal, home.ok ? problem("home-refused", { detail }) : home.problem);
  return null;
}

async function make(options: MakeOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  if (options.out === undefined) {
    terminal.err("Name a new folder for the escrow: phylax keys escrow --out FOLDER\n");
    return exitCodes.usage;
  }
  const home = homeOf(context);
  if (home === null) return exitCodes.config;
  const order = {
    shares: Number(options.shares),
    threshold: Number(options.threshold),
    recipients: options.recipient ?? [],
    folder: options.out,
  };
  const desk = await openEscrowDesk(home);
  try {
    const made = await makeEscrow(order, desk);
    if (!made.ok) return refused(made.problem, terminal);
    if (options.json === true) terminal.out(`${JSON.stringify(made.value)}\n`);
    else sayMade(made.value, terminal);
    return exitCodes.done;
  } finally {
    await desk.close();
  }
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
  const home = homeOf(context);
  if (home === null) return exitCodes.config;
  const desk = await openEscrowDesk(home);
  try {
    const read = await readPieces(piecesOf(options));
    if (!read.ok) return refused(read.problem, terminal);
    const proven = await proveEscrow(read.value.file, read.value.shares, desk.keys);
    if (!proven.ok) return refused(proven.problem, terminal);
    const upToDate = isUpToDate(proven.value);
    const logged = await desk.log([
      "rehearsed",
      `escrow-${proven.value.escrow}`,
      upToDate ? "up-to-date" : "out-of-date",
    ]);
    if (!logged.ok) return refused(logged.problem, terminal);
    if (options.json === true) terminal.out(`${JSON.stringify({ upToDate, ...proven.value })}\n`);
    else sayProven(proven.value, terminal);
    return upToDate ? exitCodes.done : exitCodes.found;
  } finally {
    await desk.close();
  }
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
  const home = homeOf(context);
  if (home === null) return exitCodes.config;
  const restored = await restoreInto(home, options, context);
  if (!restored.ok) return refused(restored.problem, terminal);
  const secret = rootPassphrase(home, environment, systemRandom);
  const warning = secret.ok ? secret.value.warning : null;
  const { epochs } = restored.value;
  if (options.json === true)
    terminal.out(`${JSON.stringify({ folder: home.file("keys"), ...restored.value })}\n`);
  else {
    terminal.out(
      `${paint(terminal, "green", "✓")} ${home.file("keys")} holds epoch ${epochs.join(", ")} again, under a new root key\n`,
    );
    terminal.out(
      "  Start Phylax. Then: phylax keys rotate-kek, phylax keys escrow --out FOLDER, and destroy this escrow.\n",
    );
  }
  if (warning !== null) terminal.err(`${paint(terminal, "yellow", "!")} ${warning}\n`);
  return exitCodes.done;
}

async function restoreInto(
  home: Home,
  options: PieceOptions,
  { environment }: CommandContext,
): ReturnType<typeof restoreFromEscrow> {
  if ((await askStatus(home)) !== null)
    return refusedBecause("already-running", "stop Phylax first: its keys process has other keys");
  return restoreFromEscrow(piecesOf(options), {
    folder: home.file("keys"),
    choice: null,
    passphrase: () => passphraseOf(home, { environment }),
    random: systemRandom,
    clock: systemClock,
    tools: kmsTools,
  });
}

function passphraseOf(
  home: Home,
  { environment }: Pick<CommandContext, "environment">,
): Result<string> {
  const secret = rootPassphrase(home, environment, systemRandom);
  return secret.ok ? ok(secret.value.passphrase) : secret;
}

function refusedBecause(
  code: ProblemCode,
  detail: string,
): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: problem(code, { detail }) };
}

const piecesOf = ({ file, share = [], identity = [] }: PieceOptions): EscrowPieces => ({
  file,
  shares: share,
  identities: identity,
});

const exits = new Map<ProblemCode, number>([
  ["parameter-invalid", exitCodes.usage],
  ["key-unavailable", exitCodes.unavailable],
  ["upstream-unavailable", exitCodes.unavailable],
  ["already-running", exitCodes.unavailable],
  ["fips-unavailable", exitCodes.config],
]);

function refused(found: Problem, terminal: Terminal): number {
  sayProblem(terminal, found);
  return exits.get(found.code) ?? exitCodes.refused;
}
