import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instant } from "#core/clock.ts";
import { currentLogFile, debrisFile, linesOf, listLogFiles, openToRead } from "#keys/log-files.ts";
import { hashOfLine, noLine, parseLogLine } from "#keys/log-line.ts";
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
  /** Bytes behind the tail in the current file that are no lines that follow it. */
  readonly debrisBytes: number;
}

const emptyTail: LogTail = { line: 0, hash: noLine, at: null, size: 0, firstLine: null };

/**
 * Reads the current file of the log up to the last line that follows from those before it in that
 * file; when it has none, the last finished file. Whether the files fit together is for a check to
 * say: a start that refused would stop every read. Throws what the file system throws.
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
  if (file === null) return { tail: emptyTail, debrisBytes: 0 };
  try {
    let tail = emptyTail;
    for await (const raw of linesOf(file)) {
      const next = raw.whole ? follow(tail, raw.bytes) : null;
      if (next === null) break;
      tail = next;
    }
    return { tail, debrisBytes: (await file.stat()).size - tail.size };
  } finally {
    await file.close();
  }
}

function follow(tail: LogTail, bytes: Buffer): LogTail | null {
  const parsed = parseLogLine(bytes);
  if (parsed === null) return null;
  const { line, at, before } = parsed;
  if (tail.firstLine !== null && (line !== tail.line + 1 || !before.equals(tail.hash))) return null;
  return {
    line,
    at,
    hash: hashOfLine(bytes),
    size: tail.size + bytes.length + 1,
    firstLine: tail.firstLine ?? line,
  };
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
