import { constants } from "node:fs";
import { open, rename, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

const privateMode = 0o600;
const othersMask = 0o077;

export type PrivateFile =
  | { readonly found: "text"; readonly text: string }
  | { readonly found: "nothing" }
  | { readonly found: "unusable"; readonly why: string };

/** Reads a file that only its owner may read; a symbolic link, a folder or a huge file is unusable. */
export async function readPrivateFile(path: string, bytesMax: number): Promise<PrivateFile> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { mode, size } = await file.stat();
      if ((mode & othersMask) !== 0)
        return { found: "unusable", why: "it is open to others than its owner (chmod 600)" };
      if (size > bytesMax) return { found: "unusable", why: `it is larger than ${bytesMax} bytes` };
      return { found: "text", text: await file.readFile("utf8") };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return code === "ENOENT"
      ? { found: "nothing" }
      : { found: "unusable", why: `it cannot be read (${code})` };
  }
}

/**
 * Writes a file of mode 0600, whole or not at all: temporary neighbour, fsync, rename, fsync of the
 * folder. Throws what the file system throws.
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", privateMode);
  try {
    await file.chmod(privateMode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/**
 * As writePrivateFile, and then overwrites what the replaced file's blocks held. A disk that copies
 * on write or levels wear keeps them all the same: secrecy of what was there may not rest on this.
 */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  const old = await openIfThere(path);
  try {
    await writePrivateFile(path, text);
    if (old !== null) await overwrite(old);
  } finally {
    await old?.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function overwrite(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  await file.write(Buffer.alloc(size), 0, size, 0);
  await file.sync();
}

/** Makes renames in a folder last through a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Whether the error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Whether there is anything at this path; throws when it cannot be told. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
