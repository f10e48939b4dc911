import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { EscrowedRing } from "#keys/escrow-contents.ts";
import type { KeyHome } from "#keys/keys.ts";
import { createKms, writeKmsConfig, type KmsConfig } from "#keys/kms/config.ts";
import { movePaths } from "#keys/kms-move.ts";
import { isMissing, syncFolder } from "#keys/private-file.ts";
import { layRing } from "#keys/ring-keeper.ts";

/**
 * Makes a keys folder that holds the escrow's ring under a new root key, whole or not at all: the
 * same ring, so that every data key wrapped under one of its epochs unwraps again. Fails with
 * "key-ring-refused" when the folder holds anything, and as createKms and layRing do.
 */
export async function restoreKeyHome(home: KeyHome, ring: EscrowedRing): Promise<Result<null>> {
  const found = await entriesOf(home.folder);
  if (found !== null && found.length > 0)
    return refuse("key-ring-refused", {
      detail: `${home.folder} is not empty; move it away first, a key that lies there may be the last of its kind`,
    });
  const begun = `${home.folder}.new`;
  await rm(begun, { recursive: true, force: true });
  await mkdir(begun, { mode: 0o700 });
  const laid = await layAll({ ...home, folder: begun }, ring);
  if (!laid.ok) {
    await rm(begun, { recursive: true });
    return laid;
  }
  if (found !== null) await rm(home.folder, { recursive: true });
  await rename(begun, home.folder);
  await syncFolder(dirname(home.folder));
  return ok(null);
}

async function layAll(home: KeyHome, ring: EscrowedRing): Promise<Result<null>> {
  const config: KmsConfig = home.choice ?? { kind: "file", path: null };
  const kms = await createKms(config, home);
  if (!kms.ok) return kms;
  try {
    const paths = movePaths(home.folder);
    if (home.choice !== null) await writeKmsConfig(paths.config, config);
    const laid = await layRing({ ...home, path: paths.ring, kms: kms.value }, ring);
    return laid.ok ? ok(null) : laid;
  } finally {
    await kms.value.close();
  }
}

async function entriesOf(folder: string): Promise<readonly string[] | null> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
