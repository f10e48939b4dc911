import { createReadStream } from "node:fs";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { CopiedKey, CopiedShredding } from "#vault/key-copy-store.ts";
import {
  backupLimits,
  createTally,
  parseHead,
  parseLine,
  type BackupHead,
  type BackupLine,
} from "#assembly/key-life/backup-file.ts";

export interface BackupBatch {
  readonly keys: readonly CopiedKey[];
  readonly shredded: readonly CopiedShredding[];
}

export interface BackupRead {
  readonly head: BackupHead;
  readonly keys: number;
  readonly shredded: number;
}

/**
 * Reads a backup from end to end, batch by batch; stops at the first batch that `take` fails with.
 * Fails with "key-ring-refused" when the file is not there, not a backup, cut short or altered:
 * that is known only at the end, so nothing may rest on what `take` was given before.
 */
export async function readBackup(
  path: string,
  take: (batch: BackupBatch, head: BackupHead) => Promise<Result<unknown>>,
): Promise<Result<BackupRead>> {
  const tally = createTally();
  let head: BackupHead | null = null;
  let batch = emptyBatch();
  let [keys, shredded] = [0, 0];
  let ended = false;
  try {
    for await (const line of linesOf(path)) {
      if (ended) return refused("something follows its last line");
      if (head === null) {
        head = parseHead(line);
        if (head === null) return refused("it is not a backup of keys of this version");
        tally.add(`${line}\n`);
        continue;
      }
      const parsed = parseLine(line, head.deployment);
      if (parsed === null) return refused(`line ${tally.lines + 1} has not the form of one`);
      if (parsed.kind === "end") {
        if (parsed.lines !== tally.lines - 1 || parsed.sha256 !== tally.digest())
          return refused("its checksum does not fit: it was altered or damaged");
        ended = true;
        continue;
      }
      tally.add(`${line}\n`);
      if (parsed.kind === "key") keys += 1;
      else shredded += 1;
      add(batch, parsed);
      if (batch.keys.length + batch.shredded.length < backupLimits.linesPerBatch) continue;
      const taken = await take(batch, head);
      if (!taken.ok) return taken;
      batch = emptyBatch();
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : null;
    if (code === null) throw error;
    return refused(`it cannot be read (${code})`);
  }
  if (head === null || !ended) return refused("it is cut short");
  const taken = await take(batch, head);
  return taken.ok ? ok({ head, keys, shredded }) : taken;
}

const refused = (detail: string): ReturnType<typeof refuse> =>
  refuse("key-ring-refused", { detail: `the backup: ${detail}` });

interface Filling {
  readonly keys: CopiedKey[];
  readonly shredded: CopiedShredding[];
}

const emptyBatch = (): Filling => ({ keys: [], shredded: [] });

function add(batch: Filling, line: Exclude<BackupLine, { kind: "end" }>): void {
  if (line.kind === "key") batch.keys.push(line.copied);
  else batch.shredded.push(line.copied);
}

class LineTooLong extends Error {
  readonly code = "a line is too long";
}

/** The file's lines without their ends; what follows the last line end is a line, too. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(path, {
    encoding: "utf8",
    highWaterMark: 256 * 1024,
  })) {
    const lines = `${rest}${String(chunk)}`.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > backupLimits.lineBytes) throw new LineTooLong();
    yield* lines;
  }
  if (rest !== "") yield rest;
}
