import { open, readFile } from "node:fs/promises";
import { importLimits } from "#cli/import/limits.ts";
import { problem, type Problem } from "#core/problem.ts";
import { isFileError, type SourceFile } from "#cli/import/sources.ts";

const chunkBytes = 64 * 1024;

/** Text of a file in parts, each with the bytes read so far, then null or why it could not be read. */
export type TextPart =
  | { readonly ok: true; readonly text: string; readonly bytesRead: number }
  | { readonly ok: false; readonly problem: Problem };

/** Reads UTF-8 (RFC 8259 §8.1), a byte order mark left aside. Small files come in one part. */
export async function* textParts(file: SourceFile): AsyncGenerator<TextPart> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    if (file.bytes <= importLimits.wholeFileBytes) {
      const bytes = await readFile(file.path);
      yield { ok: true, text: decoder.decode(bytes), bytesRead: bytes.length };
      return;
    }
    yield* chunks(file, decoder);
  } catch (error) {
    yield { ok: false, problem: unreadable(error) };
  }
}

async function* chunks(
  file: SourceFile,
  decoder: InstanceType<typeof TextDecoder>,
): AsyncGenerator<TextPart> {
  const handle = await open(file.path, "r");
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    let bytesRead = 0;
    for (;;) {
      const { bytesRead: got } = await handle.read(buffer, 0, chunkBytes, null);
      if (got === 0) break;
      bytesRead += got;
      yield {
        ok: true,
        text: decoder.decode(buffer.subarray(0, got), { stream: true }),
        bytesRead,
      };
    }
    yield { ok: true, text: decoder.decode(), bytesRead };
  } finally {
    await handle.close();
  }
}

function unreadable(error: unknown): Problem {
  if (error instanceof TypeError)
    return problem("json-broken", { detail: "The text is not UTF-8." });
  if (isFileError(error))
    return problem("not-found", { detail: `It cannot be read (${error.code}).` });
  throw error;
}
