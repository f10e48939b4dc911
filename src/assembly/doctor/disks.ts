import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { KmsConfig } from "#keys/kms/config.ts";
import { good, warning, type Check, type Patient } from "#assembly/doctor/check.ts";

const name = "Keys and data apart";

/** HHS: data is not secured by encryption when the key lies where the data does (74 FR 19006). */
const whyApart =
  "whoever takes the disk takes both, and a stolen disk may count as unsecured PHI (guidance under 45 CFR 164.402)";

/** The number of the file system that a path lies on; null when nothing is there. */
export type DeviceOf = (path: string) => number | null;

export const deviceOf: DeviceOf = (path) => (existsSync(path) ? statSync(path).dev : null);

interface Kept {
  readonly what: string;
  readonly path: string;
}

/**
 * Whether the passphrase or the root key lies on the file system of the data. Two file systems on
 * one disk look apart here; whether they are is for people to know.
 */
export function checkDisks(
  { home, environment }: Pick<Patient, "home" | "environment">,
  config: KmsConfig,
  device: DeviceOf,
): readonly Check[] {
  if (config.kind !== "file") return [good(name, `the root key is not in a file (${config.kind})`)];
  const data = join(home.path, "postgres");
  if (environment.databaseUrl !== null && device(data) === null)
    return [
      good(name, "the database is another server; see that its disk is not the one of the keys"),
    ];
  const dataDevice = device(data) ?? device(home.path);
  // The root key file alone opens nothing; with the passphrase beside it, everything.
  const passphrase = passphraseOf({ home, environment });
  const beside = [passphrase, rootKeyOf(home, config)].filter(
    (kept): kept is Kept => kept !== null && device(kept.path) === dataDevice,
  );
  if (beside.length === 0)
    return [good(name, "neither passphrase nor root key lies on the data's file system")];
  return beside.map(({ what, path }) =>
    what === "passphrase"
      ? warning(
          name,
          `THE PASSPHRASE LIES ON THE DATA'S DISK (${path}): ${whyApart}`,
          "set PHYLAX_ROOT_PASSPHRASE_FILE to a file on another medium, or move the root key into a module: phylax keys move-kms",
        )
      : warning(
          name,
          `the root key file lies on the data's disk (${path}); it is as safe as its passphrase is hard to guess`,
          "keep the passphrase elsewhere and long, or move the root key into a module: phylax keys move-kms",
        ),
  );
}

function passphraseOf({ home, environment }: Pick<Patient, "home" | "environment">): Kept | null {
  if (environment.rootPassphrase !== null) return null;
  const path = environment.rootPassphraseFile ?? join(home.path, "passphrase", "root");
  return { what: "passphrase", path };
}

function rootKeyOf(home: Patient["home"], config: KmsConfig & { readonly kind: "file" }): Kept {
  return { what: "root key", path: config.path ?? join(home.path, "keys", "root.key") };
}
