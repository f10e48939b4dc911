import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

export interface ServerFolders {
  readonly home: string;
  readonly data: string;
  /** Where initdb works; renamed to `data` when it is whole. */
  readonly unfinished: string;
  readonly libraries: string;
  readonly password: string;
  readonly log: string;
}

export function foldersIn(home: string): ServerFolders {
  return {
    home,
    data: join(home, "data"),
    unfinished: join(home, "data.unfinished"),
    libraries: join(home, "lib"),
    password: join(home, "superuser-password"),
    log: join(home, "server.log"),
  };
}

/** `sun_path` holds 108 bytes with its closing zero (unix(7)). */
const socketPathBytes = 107;
export const socketPort = 5432;

const fits = (folder: string): boolean =>
  Buffer.byteLength(join(folder, `.s.PGSQL.${socketPort}.lock`)) <= socketPathBytes;

/**
 * The folder of the unix socket: within the home when its path is short enough, else one in the
 * temporary folder whose name is derived from the home's.
 */
export function socketFolder(home: string, temporary: string): string {
  const inside = join(home, "socket");
  if (fits(inside)) return inside;
  const digest = createHash("sha256").update(home).digest("hex").slice(0, 16);
  return join(temporary, `phylax-${digest}`);
}

/**
 * Makes a folder that only its owner may enter, or takes the one there. The temporary folder is
 * everybody's: one that is a link or somebody else's was put there by a stranger and is refused.
 */
export async function privateFolder(
  path: string,
  trusted: readonly number[],
): Promise<Result<string>> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  if (!found.isDirectory() || !trusted.includes(found.uid))
    return refuse("storage-unavailable", { detail: `${path} belongs to another account.` });
  await chmod(path, 0o700);
  return ok(path);
}

/** Gives a folder with all in it to an account, when it has another owner. Links are not followed. */
export async function giveTo(
  path: string,
  owner: { readonly uid: number; readonly gid: number },
): Promise<void> {
  if ((await lstat(path)).uid === owner.uid) return;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (entry.isSymbolicLink()) continue;
    await chown(join(entry.parentPath, entry.name), owner.uid, owner.gid);
  }
  // Last, so that a walk that was cut short is done again.
  await chown(path, owner.uid, owner.gid);
}
