import type { Instant } from "#core/clock.ts";
import type { KeyLogHead } from "#core/key-wire.ts";
import { allLines, listLogFiles } from "#keys/log-files.ts";
import { hashOfLine, noLine, parseLogLine, type KeyLogLine } from "#keys/log-line.ts";

export interface KeyLogFinding {
  /** The line that it was noticed at; 0 for what belongs to no line. */
  readonly line: number;
  readonly kind: "malformed" | "changed" | "missing" | "out-of-order" | "cut-off" | "set-aside";
  /** For a person; names no key. */
  readonly text: string;
}

export interface KeyLogReport {
  /** Lines that were read, and the hash of the last one. */
  readonly head: KeyLogHead;
  /** At most `findingsMax`; none means that the log is whole. */
  readonly findings: readonly KeyLogFinding[];
  /** Bytes behind the last whole line: a write under way, or one that a crash cut off. */
  readonly unfinishedBytes: number;
}

const findingsMax = 100;

/** From the earlier moment to the later one, both included. */
export interface KeyLogWindow {
  readonly from: Instant;
  readonly to: Instant;
  /** Reads only so many of the finished files, the newest; all of them when left out. */
  readonly finishedFilesMax?: number;
}

/**
 * The lines whose time lies in the window, in the order in which they were written, from all files
 * of the log in this folder; also while the keys process writes to it. Lines without the form of
 * one are left out: verifyKeyLog tells of them. Throws what the file system throws.
 */
export async function* readKeyLog(
  folder: string,
  { from, to, finishedFilesMax }: KeyLogWindow,
): AsyncGenerator<KeyLogLine> {
  for await (const raw of allLines(folder, finishedFilesMax)) {
    const line = raw.whole ? parseLogLine(raw.bytes) : null;
    if (line !== null && line.at >= from && line.at <= to) yield line;
  }
}

/**
 * Checks that no line was changed, removed or put elsewhere. Lines cut off at the end show only
 * against heads written down elsewhere, such as the keys process's status gives. Works beside a
 * running keys process. Throws what the file system throws.
 */
export async function verifyKeyLog(
  folder: string,
  heads: readonly KeyLogHead[] = [],
): Promise<KeyLogReport> {
  const findings: KeyLogFinding[] = [];
  const report = (finding: KeyLogFinding): void => {
    if (findings.length < findingsMax) findings.push(finding);
  };
  const known = new Map(heads.map(({ lines, hash }) => [lines, hash]));
  let last: Place = { line: 0, hash: noLine };
  let unfinishedBytes = 0;
  for await (const raw of allLines(folder)) {
    // Several files may have such an end; only that of the last one can be a write under way.
    unfinishedBytes = raw.whole ? 0 : raw.byteCount;
    if (!raw.whole) continue;
    const parsed = parseLogLine(raw.bytes);
    if (parsed === null) report(malformed(last.line));
    else for (const finding of compare(last, parsed)) report(finding);
    last = { line: parsed?.line ?? last.line + 1, hash: hashOfLine(raw.bytes) };
    const due = known.get(last.line);
    if (due !== undefined && due !== last.hash.toString("base64url")) report(rewritten(last.line));
  }
  const beyond = Math.max(0, ...known.keys());
  if (beyond > last.line) report(cutOff(last.line, beyond));
  for (const name of (await listLogFiles(folder)).debris) report(setAside(name));
  const head = { lines: last.line, hash: last.hash.toString("base64url") };
  return { head, findings, unfinishedBytes };
}

interface Place {
  readonly line: number;
  readonly hash: Buffer;
}

function compare(last: Place, { line, before }: KeyLogLine): readonly KeyLogFinding[] {
  if (line > last.line + 1) {
    const gap =
      line - 1 === last.line + 1 ? `${line - 1} is` : `${last.line + 1} to ${line - 1} are`;
    return [{ line, kind: "missing", text: `line ${gap} missing before line ${line}` }];
  }
  if (line <= last.line)
    return [{ line, kind: "out-of-order", text: `line ${line} stands behind line ${last.line}` }];
  if (before.equals(last.hash)) return [];
  const text =
    last.line === 0
      ? "line 1 does not begin the log"
      : `line ${last.line} is not what it was when line ${line} was written`;
  return [{ line, kind: "changed", text }];
}

const malformed = (after: number): KeyLogFinding => ({
  line: after + 1,
  kind: "malformed",
  text: `what follows line ${after} is no line of this log`,
});

const rewritten = (line: number): KeyLogFinding => ({
  line,
  kind: "changed",
  text: `line ${line} is not the one that was written down elsewhere`,
});

const cutOff = (end: number, due: number): KeyLogFinding => ({
  line: end,
  kind: "cut-off",
  text: `the log ends at line ${end}, though it once had line ${due}`,
});

const setAside = (name: string): KeyLogFinding => ({
  line: 0,
  kind: "set-aside",
  text: `${name} holds bytes that a start found behind the last sound line and put aside`,
});
