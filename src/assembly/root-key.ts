import { existsSync, readFileSync } from "node:fs";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { Environment } from "#assembly/environment.ts";
import { secretFile, type Home } from "#assembly/home.ts";

export interface RootPassphrase {
  readonly passphrase: string;
  /** What the operator must hear loudly; null when the passphrase comes from outside the home. */
  readonly warning: string | null;
}

const besideTheData =
  "The passphrase of the root key lies on the same disk as the data. Whoever takes the disk takes both, " +
  "so a stolen disk may count as unsecured PHI (HHS guidance under 45 CFR 164.402 wants keys kept apart). " +
  "Set PHYLAX_ROOT_PASSPHRASE_FILE to a file elsewhere before real patients are in it.";

/** The passphrase alone, read when a KMS asks for it. Fails as `rootPassphrase`. */
export function passphraseReader(
  home: Home,
  environment: Environment,
  random: Random,
): () => Result<string> {
  return () => {
    const secret = rootPassphrase(home, environment, random);
    return secret.ok ? ok(secret.value.passphrase) : secret;
  };
}

/**
 * The passphrase that opens the root key: from PHYLAX_ROOT_PASSPHRASE, else from the file that
 * PHYLAX_ROOT_PASSPHRASE_FILE names, else made once and kept in the home, with a warning.
 * Fails with "root-key-refused" when the named file cannot be read.
 */
export function rootPassphrase(
  home: Home,
  environment: Environment,
  random: Random,
): Result<RootPassphrase> {
  const { rootPassphrase: given, rootPassphraseFile: path } = environment;
  if (given !== null) return ok({ passphrase: given, warning: null });
  if (path !== null) {
    if (!existsSync(path))
      return refuse("root-key-refused", {
        detail: `PHYLAX_ROOT_PASSPHRASE_FILE names ${path}, which is not there`,
      });
    return ok({ passphrase: readFileSync(path, "utf8").trim(), warning: null });
  }
  const kept = secretFile(home.file("passphrase", "root"), () =>
    random.bytes(32).toString("base64url"),
  );
  return ok({ passphrase: kept.trim(), warning: besideTheData });
}
