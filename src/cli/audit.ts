import { readFileSync } from "node:fs";
import { describeFinding } from "#audit/finding.ts";
import { createVerifier } from "#audit/note.ts";
import { verifyLog, type Verification } from "#audit/verify.ts";
import { connectionOf } from "#assembly/database.ts";
import { openHome, readSettings, type Home, type Settings } from "#assembly/home.ts";
import { logOrigin, logPublicKey, logWriters } from "#assembly/log-keys.ts";
import type { CommandContext, Register } from "#cli/program.ts";
import { progressBar } from "#cli/progress.ts";
import { exitCodes, paint, sayProblem, type Terminal } from "#cli/terminal.ts";
import type { Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { openDatabase } from "#storage/database.ts";

interface Options {
  readonly checkpoint?: readonly string[];
  readonly json?: boolean;
}

/** Shown on the terminal; --json has up to a thousand. */
const findingsShown = 20;

export const auditCommand: Register = (program, context, done) => {
  const audit = program.command("audit").description("Questions to the audit log");
  audit
    .command("verify")
    .description("Prove that no entry of the log was changed, removed or put in another order")
    .option(
      "--checkpoint <file...>",
      "signed checkpoints that were kept elsewhere; only they show a log cut short together with its newest checkpoints",
    )
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nThe database must be running. Exit codes: 0 the log is as signed, 1 something is wrong, 69 no database.\n\nExamples:\n  phylax audit verify\n  phylax audit verify --checkpoint kept/2026-10.txt --json",
    )
    .action(async (options: Options) => done(await verify(options, context)));
};

async function verify(options: Options, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const home = openHome(context.environment.homePath);
  const settings = home.ok ? readSettings(home.value) : null;
  if (!home.ok || settings === null) {
    terminal.err(
      `There is no deployment in ${context.environment.homePath}. Make one with: npm start\n`,
    );
    return exitCodes.config;
  }
  const remembered = (options.checkpoint ?? []).map((path) => readFileSync(path, "utf8"));
  const result = await verifyAll(home.value, settings, remembered, terminal);
  if (!result.ok) {
    sayProblem(terminal, result.problem);
    terminal.err("  The database must be running; start Phylax with: npm start\n");
    return exitCodes.unavailable;
  }
  const verified = result.value.every(({ findingCount }) => findingCount === 0);
  if (options.json === true) terminal.out(`${JSON.stringify({ verified, logs: result.value })}\n`);
  else for (const log of result.value) sayVerification(log, terminal);
  return verified ? exitCodes.done : exitCodes.found;
}

async function verifyAll(
  home: Home,
  settings: Settings,
  remembered: readonly string[],
  terminal: Terminal,
): Promise<Result<readonly Verification[]>> {
  const db = openDatabase({
    connection: connectionOf(home, "phylax_auditor"),
    tenant: settings.tenant,
    maxConnections: 2,
  });
  try {
    const verifications: Verification[] = [];
    for (const writer of logWriters) {
      const origin = logOrigin(settings, writer);
      const bar = progressBar(terminal, `Log of ${writer}`);
      const found = await verifyLog({
        db,
        origin,
        verifiers: [createVerifier(logPublicKey(home, writer), origin)],
        onProgress: ({ entries, of }) => bar.update(entries, of),
        remembered: remembered.filter((note) => note.startsWith(`${origin}\n`)),
      });
      bar.stop();
      if (!found.ok) return failed<Problem>(found.problem);
      verifications.push(found.value);
    }
    return ok(verifications);
  } finally {
    await db.close();
  }
}

function sayVerification(log: Verification, terminal: Terminal): void {
  if (log.findingCount === 0) {
    terminal.out(
      `${paint(terminal, "green", "✓")} ${log.origin}: ${log.entries} entries and ${log.checkpoints} checkpoints, all as signed\n`,
    );
    return;
  }
  terminal.out(
    `${paint(terminal, "red", "✗")} ${log.origin}: ${log.findingCount} findings in ${log.entries} entries; the first ${log.proven} are proven\n`,
  );
  for (const finding of log.findings.slice(0, findingsShown))
    terminal.out(`    ${describeFinding(finding)}\n`);
  if (log.findingCount > findingsShown)
    terminal.out(
      `    and ${log.findingCount - findingsShown} more; --json lists up to ${log.findings.length}\n`,
    );
}
