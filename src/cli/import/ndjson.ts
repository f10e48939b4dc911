import type { Found } from "#cli/import/bundle.ts";
import { readResource } from "#cli/import/entry.ts";
import { importLimits } from "#cli/import/limits.ts";
import { createLineCutter, type Line } from "#cli/import/lines.ts";
import type { ProviderDirectory } from "#cli/import/links.ts";
import { textParts } from "#cli/import/read-file.ts";
import type { SourceFile } from "#cli/import/sources.ts";
import { refuse } from "#core/problem.ts";
import { failed } from "#core/result.ts";

/** Reads a file of one resource a line; empty lines are passed over, bad ones are bad entries. */
export async function* readNdjsonFile(
  file: SourceFile,
  providers: ProviderDirectory,
): AsyncGenerator<Found> {
  const cutter = createLineCutter();
  let bytesRead = 0;
  for await (const part of textParts(file)) {
    if (!part.ok) {
      const place = { file: file.name, entry: 0 };
      yield { place, entry: failed(part.problem), links: null, bytesRead };
      return;
    }
    bytesRead = part.bytesRead;
    yield* found(cutter.push(part.text), file, providers, bytesRead);
  }
  yield* found(cutter.end(), file, providers, bytesRead);
}

function* found(
  lines: readonly Line[],
  file: SourceFile,
  providers: ProviderDirectory,
  bytesRead: number,
): Generator<Found> {
  for (const { number, text } of lines) {
    if (text?.trim() === "") continue;
    const place = { file: file.name, entry: number };
    const entry =
      text === null
        ? refuse("body-too-large", { detail: `A line may have ${importLimits.entryBytes} bytes.` })
        : readResource(text);
    if (entry.ok) providers.add(entry.value, false);
    yield { place, entry, links: null, bytesRead };
  }
}
