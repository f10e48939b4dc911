import { constants } from "node:fs";
import { open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { lineLimits } from "#keys/log-line.ts";
import { isMissing } from "#keys/private-file.ts";

export const currentLogFile = "key-log.ndjson";
const rotatedName = /^key-log-[0-9]{12}\.ndjson$/;
const debrisName = /^key-log-debris-[0-9]{12}(?:-[0-9]+)?\.bin$/;

/** Files are read in pieces of this size. */
const pieceBytes = 256 * 1024;
const lineEnd = 0x0a;

/** The name of a finished file, by its first line; names sort as their lines follow. */
export function rotatedLogFile(firstLine: number): string {
  return `key-log-${String(firstLine).padStart(12, "0")}.ndjson`;
}

/** Where bytes that are no line are put aside; `line` is the last whole line before them. */
export function debrisFile(line: number, copy: number): string {
  const name = `key-log-debris-${String(line).padStart(12, "0")}`;
  return copy === 0 ? `${name}.bin` : `${name}-${copy}.bin`;
}

export interface LogFiles {
  /** Finished files, in the order of their lines. */
  readonly rotated: readonly string[];
  readonly debris: readonly string[];
}

/** The names of the log's files in this folder; none when there is no such folder. */
export async function listLogFiles(folder: string): Promise<LogFiles> {
  const names = await namesIn(folder);
  return {
    rotated: names.filter((name) => rotatedName.test(name)).sort(),
    debris: names.filter((name) => debrisName.test(name)).sort(),
  };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Null when there is no such file. */
export async function openToRead(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export type RawLine =
  | { readonly whole: true; readonly bytes: Buffer }
  /** What follows the last line end, or a line over the limit and all behind it. */
  | { readonly whole: false; readonly byteCount: number };

/** The lines of one open file, without their ends. */
export async function* linesOf(file: FileHandle): AsyncGenerator<RawLine> {
  const { size } = await file.stat();
  let rest = Buffer.alloc(0);
  let lineAt = 0;
  for (let at = 0; at < size;) {
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, size - at));
    const { bytesRead } = await file.read(piece, 0, piece.length, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    let data = Buffer.concat([rest, piece.subarray(0, bytesRead)]);
    for (let end = data.indexOf(lineEnd); end >= 0; end = data.indexOf(lineEnd)) {
      yield { whole: true, bytes: data.subarray(0, end) };
      lineAt += end + 1;
      data = data.subarray(end + 1);
    }
    rest = data;
    if (rest.length > lineLimits.bytes) break;
  }
  if (lineAt < size) yield { whole: false, byteCount: size - lineAt };
}

/**
 * The lines of all files in order, or of the newest finished ones and the current. The file that is written now is opened first, so that none is
 * missed when it is finished and renamed meanwhile.
 */
export async function* allLines(
  folder: string,
  finishedMax = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<RawLine> {
  const current = await openToRead(join(folder, currentLogFile));
  try {
    const inode = (await current?.stat())?.ino;
    for (const name of (await listLogFiles(folder)).rotated.slice(-finishedMax)) {
      const file = await openToRead(join(folder, name));
      if (file === null) continue;
      try {
        if ((await file.stat()).ino !== inode) yield* linesOf(file);
      } finally {
        await file.close();
      }
    }
    if (current !== null) yield* linesOf(current);
  } finally {
    await current?.close();
  }
}
