import { mkdir, open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { isSealedText, openText, parseIdentities } from "#keys/age-text.ts";
import { parseShare, shareLimits, type EscrowShare } from "#keys/escrow-share.ts";
import { syncFolder } from "#keys/private-file.ts";

export const escrowFileLimits = { escrowBytes: 4 * 1024 * 1024, identityBytes: 64 * 1024 } as const;

/**
 * Reads at most so many bytes; a pipe such as /dev/fd/63 will do, so that a share that was decrypted
 * need not touch a disk. Fails with "parameter-invalid".
 */
async function readSome(path: string, bytesMax: number): Promise<Result<Buffer>> {
  try {
    const file = await open(path, "r");
    try {
      const parts: Buffer[] = [];
      let bytes = 0;
      for await (const part of file.createReadStream({ autoClose: false })) {
        const read = Buffer.from(part as Uint8Array);
        bytes += read.length;
        if (bytes > bytesMax)
          return refuse("parameter-invalid", { detail: `${path} has over ${bytesMax} bytes` });
        parts.push(read);
      }
      return ok(Buffer.concat(parts));
    } finally {
      await file.close();
    }
  } catch {
    return refuse("parameter-invalid", { detail: `${path} cannot be read` });
  }
}

export function readEscrowFile(path: string): Promise<Result<Buffer>> {
  return readSome(path, escrowFileLimits.escrowBytes);
}

/** Reads share files, plain or encrypted to one of the identities. Names the file that is bad. */
export async function readShares(
  paths: readonly string[],
  identityPaths: readonly string[],
): Promise<Result<readonly EscrowShare[]>> {
  const identities: string[] = [];
  for (const path of identityPaths) {
    const file = await readSome(path, escrowFileLimits.identityBytes);
    if (!file.ok) return file;
    const found = parseIdentities(file.value.toString("utf8"));
    if (found.length === 0)
      return refuse("parameter-invalid", { detail: `${path} holds no age identity` });
    identities.push(...found);
  }
  const shares: EscrowShare[] = [];
  for (const path of paths) {
    const share = await readShare(path, identities);
    if (!share.ok)
      return refuse(share.problem.code, { detail: `${path}: ${share.problem.detail ?? "unfit"}` });
    shares.push(share.value);
  }
  return ok(shares);
}

async function readShare(
  path: string,
  identities: readonly string[],
): Promise<Result<EscrowShare>> {
  const file = await readSome(path, shareLimits.textBytes);
  if (!file.ok) return file;
  const text = file.value.toString("utf8");
  file.value.fill(0);
  if (!isSealedText(text)) return parseShare(text);
  const opened = await openText(text, identities);
  return opened.ok ? parseShare(opened.value) : opened;
}

/** Makes the folder, 0700. Fails with "parameter-invalid" when something lies in it already. */
export async function makeEmptyFolder(path: string): Promise<Result<null>> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const found = await readdir(path);
    return found.length === 0
      ? ok(null)
      : refuse("parameter-invalid", { detail: `${path} is not empty; choose a new folder` });
  } catch {
    return refuse("parameter-invalid", { detail: `${path} cannot be made` });
  }
}

/** Writes new files of mode 0600 that last through a power cut. Throws what the file system throws. */
export async function writeFiles(
  folder: string,
  files: readonly { readonly name: string; readonly content: string | Buffer }[],
): Promise<void> {
  for (const { name, content } of files)
    await writeFile(join(folder, name), content, { mode: 0o600, flag: "wx", flush: true });
  await syncFolder(folder);
}
