import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "#core/clock.ts";
import type { Random } from "#core/random.ts";
import type { Result } from "#core/result.ts";
import { createFileKms, openFileKms, type Argon2Cost } from "#keys/kms/file.ts";
import { syncFolder } from "#keys/private-file.ts";
import { createRing, openRing, type KeyRing } from "#keys/ring.ts";

export interface KeyHome {
  /** Holds `root.key` and `key-ring.json`; 0700. Its parent folder must exist. */
  readonly folder: string;
  readonly passphrase: string;
  readonly random: Random;
  readonly clock: Clock;
  /** For a new root key only; an old one names its own. */
  readonly cost?: Argon2Cost;
}

const rootKeyFile = "root.key";
const ringFile = "key-ring.json";

/**
 * Opens the root key and the key ring, or makes both when the folder does not exist. Both are made
 * beside it and moved into place at once: a folder that holds only one of them has lost the other,
 * and is refused rather than completed. Fails with "root-key-refused" or "key-ring-refused".
 */
export async function openKeyHome(home: KeyHome): Promise<Result<KeyRing>> {
  if (await exists(home.folder)) return openBoth(home);
  const begun = `${home.folder}.new`;
  await rm(begun, { recursive: true, force: true });
  await mkdir(begun, { mode: 0o700 });
  const ring = await createBoth({ ...home, folder: begun });
  if (!ring.ok) {
    await rm(begun, { recursive: true });
    return ring;
  }
  await rename(begun, home.folder);
  await syncFolder(dirname(home.folder));
  return ring;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

async function openBoth(home: KeyHome): Promise<Result<KeyRing>> {
  const kms = await openFileKms({ ...home, path: join(home.folder, rootKeyFile) });
  if (!kms.ok) return kms;
  return openRing({ ...home, path: join(home.folder, ringFile), kms: kms.value });
}

async function createBoth(home: KeyHome): Promise<Result<KeyRing>> {
  const kms = await createFileKms({ ...home, path: join(home.folder, rootKeyFile) }, home.cost);
  if (!kms.ok) return kms;
  return createRing({ ...home, path: join(home.folder, ringFile), kms: kms.value });
}
