import { unreachable } from "#core/result.ts";
import { parseLine, type FoundVersion, type WrittenVersion } from "#audit/record-line.ts";

interface VersionName {
  readonly type: string;
  readonly id: string;
  readonly version: number;
}

/** One stored version that is not what the log says was written. It is only named, never shown. */
export type RecordFinding = VersionName &
  (
    | /** Its ciphertext is not the one that was written last under this version. */
      { readonly kind: "row-changed" }
    /** An older version stands as the newest one. */
    | { readonly kind: "row-rolled-back"; readonly newest: number }
    | { readonly kind: "row-missing" }
    /** No entry says that it was written, or it is there twice. */
    | { readonly kind: "row-added" }
    /** It is marked as deleted and was not, or the other way round. */
    | { readonly kind: "row-deletion-changed" }
  );

/** The finding in one plain sentence. */
export function describeRecordFinding(finding: RecordFinding): string {
  const { type, id, version } = finding;
  const name = `${type}/${id} version ${version}`;
  switch (finding.kind) {
    case "row-changed":
      return `${name} is not what was written`;
    case "row-rolled-back":
      return `${type}/${id} was rolled back to version ${version}: version ${finding.newest} was written`;
    case "row-missing":
      return `${name} was written and is gone`;
    case "row-added":
      return `${name} is stored, but the log does not say that it was written`;
    case "row-deletion-changed":
      return `${name} was marked as deleted, or as not deleted, past the log`;
    default:
      return unreachable(finding);
  }
}

/** All that is known of one resource. */
interface Known {
  /** By version, as the newest entry has it. */
  readonly written: Map<number, WrittenVersion>;
  readonly stored: FoundVersion[];
}

function gather(lines: readonly string[]): ReadonlyMap<string, Known> {
  const resources = new Map<string, Known>();
  for (const line of lines) {
    const found = parseLine(line);
    const name = `${found.type}/${found.id}`;
    const known: Known = resources.get(name) ?? { written: new Map(), stored: [] };
    resources.set(name, known);
    if (found.kind === "stored") known.stored.push(found);
    else {
      const deleted = found.deleted ?? known.written.get(found.version)?.deleted ?? null;
      known.written.set(found.version, { ...found, deleted });
    }
  }
  return resources;
}

/** What is wrong with a stored version by itself; null when it is as written. */
function judge(
  stored: FoundVersion,
  written: WrittenVersion | undefined,
): "row-added" | "row-changed" | "row-deletion-changed" | null {
  if (written === undefined) return "row-added";
  if (written.hash !== stored.hash) return "row-changed";
  return written.deleted !== null && written.deleted !== stored.deleted
    ? "row-deletion-changed"
    : null;
}

function compareResource({ written, stored }: Known, report: (found: RecordFinding) => void): void {
  let newest = 0;
  for (const version of written.keys()) newest = Math.max(newest, version);
  const seen = new Set<number>();
  for (const row of stored) {
    const { type, id, version, isCurrent } = row;
    const wrong = seen.has(version) ? "row-added" : judge(row, written.get(version));
    if (wrong !== null) report({ kind: wrong, type, id, version });
    if (isCurrent && version < newest) {
      report({ kind: "row-rolled-back", type, id, version, newest });
      seen.add(newest);
    }
    seen.add(version);
  }
  for (const { type, id, version } of written.values())
    if (!seen.has(version)) report({ kind: "row-missing", type, id, version });
}

/**
 * Holds stored versions against what was written, both as lines of record-line.ts: all of the
 * resources that they name, what was written in the order of the log.
 */
export function compareVersions(
  lines: readonly string[],
  report: (found: RecordFinding) => void,
): void {
  for (const known of gather(lines).values()) compareResource(known, report);
}
