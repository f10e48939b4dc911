import { describeFinding } from "#audit/finding.ts";
import { describeRecordFinding } from "#audit/record-finding.ts";
import type { RecordsVerification } from "#audit/verify-records.ts";
import type { Verification } from "#audit/verify.ts";
import type { Verified } from "#cli/audit/verify.ts";
import type { KeyLogReport } from "#keys/key-log.ts";
import { paint, type Terminal } from "#cli/terminal.ts";

/** Shown on the terminal; --json has up to a thousand. */
const findingsShown = 20;

export function sayVerified({ logs, records, keyLog }: Verified, terminal: Terminal): void {
  for (const log of logs) sayLog(log, terminal);
  if (keyLog !== null) sayKeyLog(keyLog, terminal);
  if (records !== null) sayRecords(records, terminal);
}

const tick = (terminal: Terminal): string => paint(terminal, "green", "✓");
const cross = (terminal: Terminal): string => paint(terminal, "red", "✗");

interface Listed {
  readonly sentences: readonly string[];
  /** All that were found, also those not listed. */
  readonly count: number;
}

function sayFindings({ sentences, count }: Listed, terminal: Terminal): void {
  for (const sentence of sentences.slice(0, findingsShown)) terminal.out(`    ${sentence}\n`);
  if (count > findingsShown)
    terminal.out(`    and ${count - findingsShown} more; --json lists up to ${sentences.length}\n`);
}

function sayLog(log: Verification, terminal: Terminal): void {
  const { origin, entries, checkpoints, proven, findings, findingCount } = log;
  if (findingCount === 0) {
    terminal.out(
      `${tick(terminal)} ${origin}: ${entries} entries and ${checkpoints} checkpoints, all as signed\n`,
    );
    return;
  }
  terminal.out(
    `${cross(terminal)} ${origin}: ${findingCount} findings in ${entries} entries; the first ${proven} are proven\n`,
  );
  sayFindings({ sentences: findings.map(describeFinding), count: findingCount }, terminal);
}

function sayKeyLog({ head, findings }: KeyLogReport, terminal: Terminal): void {
  if (findings.length === 0) {
    terminal.out(
      `${tick(terminal)} log of the keys process: ${head.lines} lines, all as written\n`,
    );
    return;
  }
  terminal.out(
    `${cross(terminal)} log of the keys process: ${findings.length} findings in ${head.lines} lines\n`,
  );
  sayFindings({ sentences: findings.map(({ text }) => text), count: findings.length }, terminal);
}

function sayRecords(records: RecordsVerification, terminal: Terminal): void {
  const { rows, writes, findings, findingCount } = records;
  if (findingCount === 0) {
    terminal.out(
      `${tick(terminal)} records: ${rows} stored versions, all as ${writes} entries of the log say\n`,
    );
    return;
  }
  terminal.out(`${cross(terminal)} records: ${findingCount} findings in ${rows} stored versions\n`);
  sayFindings({ sentences: findings.map(describeRecordFinding), count: findingCount }, terminal);
}
