import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { moveRecord, movePaths, settleMove } from "#keys/kms-move.ts";
import {
  createKms,
  openKms,
  parseKmsConfig,
  readKmsConfig,
  writeKmsConfig,
  type KmsConfig,
} from "#keys/kms/config.ts";
import type { Kms } from "#keys/kms/kms.ts";
import type { KmsDeps } from "#keys/kms/tools.ts";
import type { ChosenKms } from "#keys/operator-desk.ts";
import { exists, syncFolder } from "#keys/private-file.ts";
import { createRing, openRing, type RingDeps, type RingKeeper } from "#keys/ring-keeper.ts";

/** `folder` holds the ring, 0700; its parent folder must exist. */
export interface KeyHome extends KmsDeps {
  readonly clock: Clock;
  /** The KMS of a home that is made now; null for the kind "file". */
  readonly choice: KmsConfig | null;
}

export interface OpenKeyHome {
  readonly keeper: RingKeeper;
  /** Opens another KMS for this home to move to; its root key is made when it has none. */
  chooseKms(choice: unknown): Promise<Result<ChosenKms>>;
}

/**
 * Opens root key and key ring, or makes both when the folder does not exist. Both are made beside
 * it and moved into place at once: a folder that holds only one of them has lost the other, and is
 * refused rather than completed. Fails with "root-key-refused", "key-ring-refused", and
 * "key-unavailable" when the KMS does not answer.
 */
export async function openKeyHome(home: KeyHome): Promise<Result<OpenKeyHome>> {
  const keeper = (await exists(home.folder)) ? await openBoth(home) : await createNew(home);
  if (!keeper.ok) return keeper;
  return ok({ keeper: keeper.value, chooseKms: (choice) => chooseKms(home, choice) });
}

async function createNew(home: KeyHome): Promise<Result<RingKeeper>> {
  const begun = `${home.folder}.new`;
  await rm(begun, { recursive: true, force: true });
  await mkdir(begun, { mode: 0o700 });
  const made = await createBoth({ ...home, folder: begun });
  if (!made.ok) {
    await rm(begun, { recursive: true });
    return made;
  }
  // Opened anew from where it now lies, which also proves that it can be.
  await made.value.close();
  await rename(begun, home.folder);
  await syncFolder(dirname(home.folder));
  return openBoth(home);
}

function ringDeps(home: KeyHome, kms: RingDeps["kms"]): RingDeps {
  return { ...home, path: movePaths(home.folder).ring, kms };
}

async function openBoth(home: KeyHome): Promise<Result<RingKeeper>> {
  const paths = movePaths(home.folder);
  const settled = await settleMove(paths);
  if (!settled.ok) return settled;
  const config = await readKmsConfig(paths.config);
  if (!config.ok) return config;
  const kms = await openKms(config.value, home);
  return kms.ok ? openRing(ringDeps(home, kms.value)) : kms;
}

/** Why it did not open is the better reason to give when it cannot be made either. */
async function openOrCreate(config: KmsConfig, home: KeyHome): Promise<Result<Kms>> {
  const opened = await openKms(config, home);
  if (opened.ok || opened.problem.code !== "root-key-refused") return opened;
  const made = await createKms(config, home);
  return made.ok ? made : opened;
}

async function createBoth(home: KeyHome): Promise<Result<RingKeeper>> {
  const config: KmsConfig = home.choice ?? { kind: "file", path: null };
  const kms = await createKms(config, home);
  if (!kms.ok) return kms;
  if (home.choice !== null) await writeKmsConfig(movePaths(home.folder).config, config);
  return createRing(ringDeps(home, kms.value));
}

async function chooseKms(home: KeyHome, choice: unknown): Promise<Result<ChosenKms>> {
  const config = parseKmsConfig(choice);
  if (config === null)
    return refuse("parameter-invalid", { detail: "this names no KMS that is known here" });
  const kms = await openOrCreate(config, home);
  if (!kms.ok) return kms;
  return ok({ kms: kms.value, record: moveRecord(movePaths(home.folder), config) });
}
