import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { toIso, type Clock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { openKeyHome } from "#keys/keys.ts";
import { parseKmsConfig } from "#keys/kms/config.ts";
import { writePrivateFile } from "#keys/private-file.ts";
import type { KeyRing } from "#keys/ring.ts";
import { openDatabase } from "#storage/database.ts";
import { connectionOf } from "#assembly/database.ts";
import type { Environment } from "#assembly/environment.ts";
import { writeSecretFile, type Home, type Settings } from "#assembly/home.ts";
import type { BackupHead } from "#assembly/key-life/backup-file.ts";
import { readBackup, type BackupRead } from "#assembly/key-life/backup-read.ts";
import type { OnProgress, OnStep } from "#assembly/key-life/life.ts";
import { restoreRows, type RestoredRows } from "#assembly/key-life/restore-rows.ts";
import { isOlder, ringFacts } from "#assembly/key-life/ring-age.ts";
import { kmsTools } from "#assembly/kms-tools.ts";
import { passphraseReader } from "#assembly/root-key.ts";
import { logWhileStopped, whileStopped, withDatabase } from "#assembly/stopped.ts";

export interface RestoreWork {
  readonly home: Home;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  /** Path of the backup. */
  readonly path: string;
  /** The name that stands in the log. */
  readonly officer: string;
  /** Put it back although it is older than what is there, or another ring. */
  readonly force: boolean;
  readonly onProgress: OnProgress;
  readonly onStep: OnStep;
}

export interface Restored extends RestoredRows {
  readonly createdAt: string;
  readonly keys: number;
  readonly shredded: number;
  /** The epochs of the ring that is in place now. */
  readonly epochs: readonly number[];
  /** Where the ring that was there lies now; null unless it was newer than the backup or another. */
  readonly setAside: string | null;
}

/**
 * Puts a backup of the keys back while nothing runs: the key ring with its root key into the keys
 * folder, the wrapped keys into the database. The backup is read through and opened before anything
 * is changed; the rows change in one transaction, the files one by one with the ring last, so that
 * the same command again ends what was cut off. Fails with "already-running", with
 * "key-ring-refused" when the backup is damaged, does not open, is of another deployment or older
 * than what is there, with "root-key-refused" for a wrong passphrase, and as the database.
 */
export async function restore(work: RestoreWork): Promise<Result<Restored>> {
  return whileStopped(work, () => restoreHeld(work));
}

async function restoreHeld(work: RestoreWork): Promise<Result<Restored>> {
  const { path, onStep } = work;
  onStep("Reading the backup");
  const verified = await readBackup(path, async () => ok(null));
  if (!verified.ok) return verified;
  const { head, keys, shredded } = verified.value;
  if (head.deployment !== work.settings.tenant && !work.force)
    return refused(
      `it is of another deployment (${head.deployment}); --force makes this home that deployment`,
    );
  const age = ageOf(work, head);
  if (!age.ok) return age;
  onStep("Opening its key ring");
  const ring = await openBackedUp(work, head);
  if (!ring.ok) return ring;
  const settled = { ...work, settings: adopt(work, head) };
  onStep("Putting the wrapped keys into the database");
  const rows = await withDatabase(work, () => putRows(settled, verified.value, ring.value));
  if (!rows.ok) return rows;
  onStep("Putting the key ring in place");
  const setAside = await putFiles(work, head, age.value);
  const epochs = ring.value.epochs.map(({ epoch }) => epoch);
  return ok({ ...rows.value, createdAt: toIso(head.createdAt), keys, shredded, epochs, setAside });
}

const refused = (detail: string): ReturnType<typeof refuse> =>
  refuse("key-ring-refused", { detail: `the backup: ${detail}` });

/** A home that was lost and made anew has another id; its data and keys have the old one. */
function adopt({ home, settings, clock }: RestoreWork, { deployment }: BackupHead): Settings {
  if (settings.tenant === deployment) return settings;
  const path = home.file("settings.json");
  copyFileSync(path, home.file("keys-set-aside", `settings-${stampOf(clock)}.json`));
  const adopted: Settings = { ...settings, tenant: deployment };
  writeSecretFile(path, `${JSON.stringify(adopted)}\n`);
  return adopted;
}

const stampOf = (clock: Clock): string => toIso(clock.now()).replaceAll(/[:.]/g, "-");

type Age = "newer" | "forced";

/** Compares with the ring that is there. Fails with "key-ring-refused" unless forced. */
function ageOf({ home, force }: RestoreWork, head: BackupHead): Result<Age> {
  const back = ringFacts(head.ring);
  if (back === null) return refused("its key ring has not the form of one");
  const path = home.file("keys", "key-ring.json");
  const there = existsSync(path) ? ringFacts(readFileSync(path, "utf8")) : null;
  if (there === null) return ok("newer");
  const older = isOlder(back, there);
  if (older === false) return ok("newer");
  if (force) return ok("forced");
  return older === null
    ? refused("its key ring is another one than is there; --force puts it in place")
    : refused(
        `its key ring has the epochs ${back.epochs.join(", ")}, the one that is there ${there.epochs.join(", ")}; an older ring loses keys or brings shredded ones back. Look for a newer backup; --force goes on`,
      );
}

/** Opens the backed up ring in a folder of its own, as the keys process would at its next start. */
async function openBackedUp(
  { home, environment, random, clock }: RestoreWork,
  head: BackupHead,
): Promise<Result<KeyRing>> {
  const folder = join(home.path, "keys.restoring");
  rmSync(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  try {
    await writeKeyFiles(folder, head);
    const opened = await openKeyHome({
      folder,
      choice: null,
      passphrase: passphraseReader(home, environment, random),
      random,
      clock,
      tools: kmsTools,
    });
    return opened.ok ? ok(opened.value.keeper.current()) : opened;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The ring last: until it is there, the old one fits nothing and the next start is refused. */
async function writeKeyFiles(folder: string, { ring, rootKey, kms }: BackupHead): Promise<void> {
  const kmsPath = join(folder, "kms.json");
  const outside = kms === null ? null : rootKeyOutside(kms);
  if (rootKey !== null && outside === null)
    await writePrivateFile(join(folder, "root.key"), rootKey);
  // What lies elsewhere is the operator's to replace.
  if (rootKey !== null && outside !== null && !existsSync(outside))
    await writePrivateFile(outside, rootKey);
  if (kms === null) rmSync(kmsPath, { force: true });
  else await writePrivateFile(kmsPath, kms);
  await writePrivateFile(join(folder, "key-ring.json"), ring);
}

/** Where a choice of the KMS says that the root key file lies; null for the keys folder. */
function rootKeyOutside(kms: string): string | null {
  const config = parseKmsConfig(JSON.parse(kms));
  return config?.kind === "file" ? config.path : null;
}

async function putFiles(
  { home, clock }: RestoreWork,
  head: BackupHead,
  age: Age,
): Promise<string | null> {
  const ringPath = home.file("keys", "key-ring.json");
  const setAside =
    age === "forced" ? home.file("keys-set-aside", `key-ring-${stampOf(clock)}.json`) : null;
  if (setAside !== null) copyFileSync(ringPath, setAside);
  await writeKeyFiles(join(home.path, "keys"), head);
  return setAside;
}

async function putRows(
  work: RestoreWork,
  verified: BackupRead,
  ring: KeyRing,
): Promise<Result<RestoredRows>> {
  const { home, settings, clock, path, onProgress } = work;
  const begun = await log(work, ["begun"], verified.keys);
  if (!begun.ok) return begun;
  const db = openDatabase({
    connection: connectionOf(home, "phylax_keeper"),
    tenant: settings.tenant,
    maxConnections: 1,
  });
  try {
    const rows = await restoreRows({ db, ring, clock, path, verified, onProgress });
    if (!rows.ok) return rows;
    const done = await log(work, ["done"], rows.value.keysReplaced);
    return done.ok ? rows : done;
  } finally {
    await db.close();
  }
}

const log = (work: RestoreWork, reasons: readonly string[], count: number): Promise<Result<null>> =>
  logWhileStopped(work, { action: "key-restore", reasons, count });
