import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instant } from "#core/clock.ts";
import { currentLogFile, debrisFile, linesOf, listLogFiles, openToRead } from "#keys/log-files.ts";
import { hashOfLine, noLine, parseLogLine, type KeyLogLine } from "#keys/log-line.ts";
import { syncFolder } from "#keys/private-file.ts";

/** Where the next line goes. */
export interface LogTail {
  readonly line: number;
  readonly hash: Buffer;
  readonly at: Instant | null;
  /** Bytes of the current file that hold sound lines. */
  readonly size: number;
  /** The first line of the current file; null while that is empty. */
  readonly firstLine: number | null;
}

export interface FoundTail {
  readonly tail: LogTail;
  /** Bytes behind the last line of the current file: a write that was cut off, or an altered end. */
  readonly debrisBytes: number;
  /** Whether each line of the current file follows from the one before it. */
  readonly whole: boolean;
}

const emptyTail: LogTail = { line: 0, hash: noLine, at: null, size: 0, firstLine: null };

/**
 * Finds the last line of the log's current file; when it has none, of the last finished file. A
 * line that was altered before it stays where it is, as evidence, and those behind it keep their
 * worth: a start that refused or cut would be what the alteration was for. Throws what the file
 * system throws.
 */
export async function findTail(folder: string): Promise<FoundTail> {
  const current = await tailOf(folder, currentLogFile);
  if (current.tail.firstLine !== null) return current;
  const finished = (await listLogFiles(folder)).rotated.at(-1);
  if (finished === undefined) return current;
  const { tail } = await tailOf(folder, finished);
  return { ...current, tail: { ...tail, size: 0, firstLine: null } };
}

async function tailOf(folder: string, name: string): Promise<FoundTail> {
  const file = await openToRead(join(folder, name));
  if (file === null) return { tail: emptyTail, debrisBytes: 0, whole: true };
  try {
    let tail = emptyTail;
    let whole = true;
    let end = 0;
    for await (const raw of linesOf(file)) {
      if (!raw.whole) break;
      end += raw.bytes.length + 1;
      const next = parseLogLine(raw.bytes);
      whole &&= next !== null && follows(tail, next);
      if (next === null) continue;
      const { line, at } = next;
      const firstLine = tail.firstLine ?? line;
      tail = { line, at, hash: hashOfLine(raw.bytes), size: end, firstLine };
    }
    return { tail, debrisBytes: (await file.stat()).size - tail.size, whole };
  } finally {
    await file.close();
  }
}

function follows(tail: LogTail, { line, before }: KeyLogLine): boolean {
  return tail.firstLine === null || (line === tail.line + 1 && before.equals(tail.hash));
}

/**
 * Copies what stands behind the tail to a file of its own, so that cutting it off loses nothing: it
 * may be a write that a crash cut off, or lines that somebody altered. Throws as the file system does.
 */
export async function putDebrisAside(
  folder: string,
  { tail, debrisBytes }: FoundTail,
): Promise<void> {
  const file = await openToRead(join(folder, currentLogFile));
  if (file === null) return;
  try {
    const bytes = Buffer.alloc(debrisBytes);
    await file.read(bytes, 0, debrisBytes, tail.size);
    const taken = (await listLogFiles(folder)).debris;
    let copy = 0;
    while (taken.includes(debrisFile(tail.line, copy))) copy += 1;
    const path = join(folder, debrisFile(tail.line, copy));
    await writeFile(path, bytes, { mode: 0o600, flag: "wx", flush: true });
    await syncFolder(folder);
  } finally {
    await file.close();
  }
}
