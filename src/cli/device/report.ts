import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeDeviceReport, verifyDeviceReport } from "#assembly/device-report.ts";
import type { DeviceQuestion } from "#breach/device-report.ts";
import { codeOf, openedHome, type OpenedHome } from "#cli/ask.ts";
import type { CommandContext } from "#cli/program.ts";
import { exitCodes, paint, sayProblem } from "#cli/terminal.ts";
import { unreachable } from "#core/result.ts";

/** Makes the signed report and writes its files into a folder; the exit code. */
export async function writeReport(
  { terminal }: CommandContext,
  { home, settings }: OpenedHome,
  question: DeviceQuestion,
  folder: string,
): Promise<number> {
  const made = await makeDeviceReport(home, settings, question);
  if (!made.ok) {
    sayProblem(terminal, made.problem);
    return codeOf(made.problem);
  }
  const { report, files } = made.value;
  const { patients, resources, unreadable } = report.totals;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, content] of files) writeFileSync(join(folder, name), content, { mode: 0o600 });
  terminal.out(
    `It was let at ${resources} records of ${patients} ${patients === 1 ? "patient" : "patients"}.\n`,
  );
  for (const name of files.keys()) terminal.out(`  ${join(folder, name)}\n`);
  if (unreadable > 0)
    terminal.err(`${unreadable} entries cannot be read; run: phylax audit verify\n`);
  return exitCodes.done;
}

const fileBytesMax = 512 * 1024 * 1024;

function readBounded(path: string): Buffer | null {
  try {
    return statSync(path).size > fileBytesMax ? null : readFileSync(path);
  } catch {
    return null;
  }
}

/** Says whether a report is as it was signed; the exit code. */
export async function verifyReport(context: CommandContext, path: string): Promise<number> {
  const { terminal } = context;
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const note = readBounded(path);
  if (note === null) {
    terminal.err(`${path} cannot be read.\n`);
    return exitCodes.usage;
  }
  const read = (name: string): Buffer | null => readBounded(join(dirname(path), name));
  const { home, settings } = opened;
  const verdict = await verifyDeviceReport(home, settings, note.toString("utf8"), read);
  switch (verdict.kind) {
    case "good":
      terminal.out(`${paint(terminal, "green", "✓")} As signed: ${verdict.names.join(", ")}\n`);
      return exitCodes.done;
    case "changed":
      terminal.err(
        `${paint(terminal, "red", "✗")} Not as signed, or not there: ${verdict.names.join(", ")}\n`,
      );
      return exitCodes.found;
    case "unsigned":
      terminal.err(`${paint(terminal, "red", "✗")} This deployment did not sign that note.\n`);
      return exitCodes.found;
    default:
      return unreachable(verdict);
  }
}
