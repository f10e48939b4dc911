import { join } from "node:path";
import type { Clock, Instant } from "#core/clock.ts";
import type { KeyLogHead, KeySignal } from "#core/key-wire.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { KeyUse } from "#keys/key-use.ts";
import { systemAppendFiles, type AppendFile, type AppendFiles } from "#keys/log-append.ts";
import { currentLogFile, rotatedLogFile } from "#keys/log-files.ts";
import { hashOfLine, lineLimits, printLogLine } from "#keys/log-line.ts";
import { findTail, putDebrisAside, type LogTail } from "#keys/log-tail.ts";

export interface KeyLogDeps {
  /** An existing folder, 0700. */
  readonly folder: string;
  readonly clock: Clock;
  readonly files?: AppendFiles;
  /** A file that has reached so many bytes is finished and another begun. */
  readonly fileBytes?: number;
}

export interface KeyLogWriter {
  /**
   * Resolves once the use is on disk, with its signals and those that the log adds. Fails with
   * "audit-unavailable" when it cannot be written: then nothing may be answered. The next call tries
   * anew, so that the log comes back when the disk does.
   */
  record(use: KeyUse): Promise<Result<readonly KeySignal[]>>;
  /** The last line on disk. */
  head(): KeyLogHead;
  /** Ends what is under way and closes the file. */
  close(): Promise<void>;
}

export const keyLogLimits = {
  /** Read once at each start, which takes a fraction of a second. */
  fileBytes: 16 * 1024 * 1024,
  waitingLines: 4_096,
  /** A clock that is corrected by less than this was not set back. */
  clockStepMs: 1_000,
} as const;

interface Waiting {
  readonly use: KeyUse;
  readonly resolve: (result: Result<readonly KeySignal[]>) => void;
}

/** One batch of lines and where the log stands once they are on disk. */
interface Batch {
  readonly bytes: Buffer;
  readonly tail: LogTail;
  readonly signals: readonly (readonly KeySignal[])[];
}

const unavailable = refuse("audit-unavailable", { detail: "the key log cannot be written" });

/**
 * Opens the log in this folder for its one writer. Whoever asks while a batch is on its way to the
 * disk goes with the next one, so that many share one fsync. Bytes behind the last line are put
 * aside; that, and a line that does not follow from those before it, is told by a signal. Throws what the file system throws.
 */
export async function openKeyLog(deps: KeyLogDeps): Promise<KeyLogWriter> {
  const found = await findTail(deps.folder);
  if (found.debrisBytes > 0) await putDebrisAside(deps.folder, found);
  const writer = createWriter(deps, found.tail, found.debrisBytes > 0 || !found.whole);
  await writer.reopen();
  return writer;
}

function createWriter(
  { folder, clock, files = systemAppendFiles, fileBytes = keyLogLimits.fileBytes }: KeyLogDeps,
  start: LogTail,
  mended: boolean,
): KeyLogWriter & { reopen(): Promise<void> } {
  const path = join(folder, currentLogFile);
  let tail = start;
  let untold: readonly KeySignal[] = mended ? ["key-log-mended"] : [];
  let file: AppendFile | null = null;
  let waiting: Waiting[] = [];
  let working: Promise<void> | null = null;

  /** After a failure nobody knows what is on disk behind the tail: it is cut off, never trusted. */
  async function reopen(): Promise<AppendFile> {
    const opened = await files.open(path);
    try {
      await opened.cutTo(tail.size);
    } catch (error) {
      await opened.close();
      throw error;
    }
    file = opened;
    return opened;
  }

  async function finishFile(full: AppendFile, firstLine: number): Promise<void> {
    await full.close();
    file = null;
    await files.rename(path, join(folder, rotatedLogFile(firstLine)));
    tail = { ...tail, size: 0, firstLine: null };
  }

  async function write(batch: readonly Waiting[]): Promise<readonly (readonly KeySignal[])[]> {
    let open = file ?? (await reopen());
    if (tail.size >= fileBytes && tail.firstLine !== null) {
      await finishFile(open, tail.firstLine);
      open = await reopen();
    }
    const uses = batch.map(({ use }, i) => (i === 0 ? withSignals(use, untold) : use));
    const lines = printBatch(uses, tail, clock.now());
    await open.append(lines.bytes, tail.size);
    tail = lines.tail;
    untold = [];
    return lines.signals;
  }

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const signals = await write(batch);
        batch.forEach(({ resolve }, i) => resolve(ok(signals[i] ?? [])));
      } catch {
        await file?.close().catch(() => {});
        file = null;
        for (const { resolve } of batch) resolve(unavailable);
      }
    }
    working = null;
  }

  return {
    reopen: async () => void (await reopen()),
    head: () => ({ lines: tail.line, hash: tail.hash.toString("base64url") }),
    record: (use) =>
      new Promise((resolve) => {
        const keys = Math.max(use.given.length, use.refused.length);
        if (waiting.length >= keyLogLimits.waitingLines || keys > lineLimits.keys)
          return resolve(unavailable);
        waiting.push({ use, resolve });
        working ??= work();
      }),
    close: async () => {
      await working;
      await file?.close();
      file = null;
    },
  };
}

function withSignals(use: KeyUse, more: readonly KeySignal[]): KeyUse {
  return more.length === 0 ? use : { ...use, signals: [...new Set([...use.signals, ...more])] };
}

function printBatch(uses: readonly KeyUse[], start: LogTail, now: Instant): Batch {
  const parts: Buffer[] = [];
  const signals: (readonly KeySignal[])[] = [];
  let tail = start;
  for (const use of uses) {
    const wentBack = tail.at !== null && now < tail.at - keyLogLimits.clockStepMs;
    const told = wentBack ? withSignals(use, ["clock-set-back"]) : use;
    const line = tail.line + 1;
    const bytes = printLogLine({ ...told, line, at: now, before: tail.hash });
    parts.push(bytes, lineEnd);
    signals.push(told.signals);
    const size = tail.size + bytes.length + lineEnd.length;
    tail = { line, at: now, hash: hashOfLine(bytes), size, firstLine: tail.firstLine ?? line };
  }
  return { bytes: Buffer.concat(parts), tail, signals };
}

const lineEnd = Buffer.from("\n");
