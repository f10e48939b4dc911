import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { importLimits } from "#cli/import/limits.ts";
import { problem, type Problem } from "#core/problem.ts";

export type SourceFormat = "json" | "ndjson";

export interface SourceFile {
  readonly path: string;
  /** The path below what was named on the command line: the same wherever the tree lies. */
  readonly name: string;
  readonly bytes: number;
  readonly format: SourceFormat;
  /** Bundles of providers, to which others refer: by Synthea's custom their names begin with `_`. */
  readonly providers: boolean;
}

export interface FoundSources {
  /** In the order in which they are to be read. */
  readonly files: readonly SourceFile[];
  readonly problems: readonly { readonly file: string; readonly problem: Problem }[];
}

const formats: ReadonlyMap<string, SourceFormat> = new Map([
  [".json", "json"],
  [".ndjson", "ndjson"],
]);

/** Types that others refer to, for files of a bulk export that are named by type. */
const earlyTypes = ["Organization", "Location", "Practitioner", "PractitionerRole", "Medication"];

function rank({ providers, name }: SourceFile): number {
  if (providers) return 0;
  const [type = ""] = basename(name).split(/[.-]/);
  if (earlyTypes.includes(type)) return 1;
  return type === "Patient" ? 2 : 3;
}

/**
 * Finds the files to import under the paths, directories in full depth: what others refer to
 * first, then by name. A path that cannot be read, or names neither format, is a problem.
 * Symbolic links to directories are not followed, as they may lead in circles.
 */
export async function findSources(paths: readonly string[]): Promise<FoundSources> {
  const files: SourceFile[] = [];
  const problems: { file: string; problem: Problem }[] = [];
  const found = {
    file: (file: SourceFile) => files.push(file),
    problem: (file: string, detail: string) =>
      problems.push({ file, problem: problem("not-found", { detail }) }),
  };
  for (const path of paths) await visit(path, basename(path), 0, found);
  files.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { files, problems };
}

interface Finder {
  file(file: SourceFile): number;
  problem(file: string, detail: string): void;
}

async function visit(path: string, name: string, depth: number, found: Finder): Promise<void> {
  try {
    const state = await stat(path);
    if (state.isDirectory()) return await visitDirectory(path, name, depth, found);
    const format = formats.get(extname(path).toLowerCase());
    if (format === undefined || !state.isFile()) {
      if (depth === 0)
        found.problem(name, "This is neither a directory nor a .json or .ndjson file.");
      return;
    }
    const providers = format === "json" && basename(path).startsWith("_");
    if (found.file({ path, name, bytes: state.size, format, providers }) > importLimits.files)
      found.problem(name, `There are more than ${importLimits.files} files.`);
  } catch (error) {
    if (!isFileError(error)) throw error;
    // A path that a person typed is told as typed.
    found.problem(depth === 0 ? path : name, `It cannot be read (${error.code}).`);
  }
  return undefined;
}

async function visitDirectory(
  path: string,
  name: string,
  depth: number,
  found: Finder,
): Promise<void> {
  if (depth >= importLimits.directoryDepth) {
    found.problem(name, `Directories lie more than ${importLimits.directoryDepth} deep.`);
    return;
  }
  const entries = await readdir(path, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const inner = join(path, entry.name);
    if (entry.isSymbolicLink() && (await stat(inner).catch(() => null))?.isFile() !== true)
      continue;
    await visit(inner, depth === 0 ? entry.name : `${name}/${entry.name}`, depth + 1, found);
  }
}

/** An error of the file system, by its code, e.g. EACCES. */
export function isFileError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
