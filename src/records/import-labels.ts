import type { Resource } from "@medplum/fhirtypes";
import type { Clock } from "#core/clock.ts";
import { carryLabels } from "#records/fhir/carried-labels.ts";
import type { ImportLine } from "#records/import-line.ts";
import { findBefore, type Before, type BeforeDeps } from "#records/version-before.ts";
import { rowName } from "#records/write-plan.ts";

/** A line, and the version that it must replace for its labels to be right; null for any. */
export interface ImportedLine {
  readonly line: ImportLine;
  readonly ifVersion: number | null;
}

/** What lines before it in one request say of a row, by its name. */
export type Earlier = Map<string, Resource>;

type Sound = Extract<ImportLine, { ok: true }>;

function carried(line: Sound, found: Before, earlier: Earlier): ImportedLine {
  const { type, id } = line.parsed;
  const name = rowName(type, id ?? "");
  const repeated = earlier.get(name);
  const before = repeated ?? found.value;
  const parsed = before === null ? line.parsed : carryLabels(line.parsed, before);
  earlier.set(name, parsed.value);
  // What a line before it makes of the row is not there yet to be counted.
  return { line: { ...line, parsed }, ifVersion: repeated === undefined ? found.version : null };
}

/**
 * Lines with the labels of what they replace: an import takes none off either. What it replaces is
 * found and opened for that; a line fails as that does.
 */
export async function labelledLines(
  lines: readonly ImportLine[],
  earlier: Earlier,
  { clock, ...deps }: BeforeDeps & { readonly clock: Clock },
): Promise<readonly ImportedLine[]> {
  const asker = { practitioner: null, at: clock.now() };
  const found = await Promise.all(
    lines.map(async (line) =>
      line.ok && line.parsed.id !== null
        ? findBefore(deps, { asker }, { type: line.parsed.type, id: line.parsed.id })
        : null,
    ),
  );
  const labelled: ImportedLine[] = [];
  for (const [at, line] of lines.entries()) {
    const before = found[at];
    if (before?.ok === false) {
      const { problem } = before;
      labelled.push({ line: { ok: false, source: line.source, problem }, ifVersion: null });
    } else if (line.ok && before) labelled.push(carried(line, before.value, earlier));
    else labelled.push({ line, ifVersion: null });
  }
  return labelled;
}
