import { stat } from "node:fs/promises";
import { join } from "node:path";
import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import {
  createFileKms,
  openFileKms,
  parseFileConfig,
  type FileConfig,
  type RootKeyOptions,
} from "#keys/kms/file.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { openPkcs11Kms, parsePkcs11Config, type Pkcs11Config } from "#keys/kms/pkcs11/pkcs11.ts";
import type { KmsDeps } from "#keys/kms/tools.ts";
import { readPrivateFile, writePrivateFile } from "#keys/private-file.ts";
import { jsonOf } from "#keys/shape.ts";

/** Which KMS holds the root key and how it is reached; holds no secret, only where secrets lie. */
export type KmsConfig = FileConfig | Pkcs11Config;

const fileKind: KmsConfig = { kind: "file", path: null };
const configBytesMax = 8_192;

/** Null when the value is not a choice that we know, or has a member that its kind has not. */
export function parseKmsConfig(value: unknown): KmsConfig | null {
  if (typeof value !== "object" || value === null || !("kind" in value)) return null;
  switch (value.kind) {
    case "file":
      return parseFileConfig(value);
    case "pkcs11":
      return parsePkcs11Config(value);
    default:
      return null;
  }
}

/** The choice kept in a file such as `kms.json`; the kind "file" when there is no such file. */
export async function readKmsConfig(path: string): Promise<Result<KmsConfig>> {
  const file = await readPrivateFile(path, configBytesMax);
  if (file.found === "nothing") return ok(fileKind);
  if (file.found === "unusable") return refused(`${path}: ${file.why}`);
  const config = parseKmsConfig(jsonOf(file.text));
  return config === null ? refused(`${path} names no KMS that is known here`) : ok(config);
}

/** Writes the choice whole or not at all. Throws what the file system throws. */
export async function writeKmsConfig(path: string, config: KmsConfig): Promise<void> {
  await writePrivateFile(path, `${JSON.stringify(config, null, 2)}\n`);
}

/**
 * Opens the KMS that holds an existing root key. Fails with "root-key-refused" when it has no such
 * key or does not let us use it, and with "key-unavailable" when it does not answer in its time.
 */
export async function openKms(config: KmsConfig, deps: KmsDeps): Promise<Result<Kms>> {
  switch (config.kind) {
    case "file":
      return withFile(config, deps, openFileKms);
    case "pkcs11":
      return openPkcs11Kms(config, { random: deps.random, make: false });
    default:
      return unreachable(config);
  }
}

/**
 * Makes the root key where making it is ours to do, and opens it. Never replaces one that is there:
 * "root-key-refused" then. Fails otherwise as openKms does.
 */
export async function createKms(config: KmsConfig, deps: KmsDeps): Promise<Result<Kms>> {
  switch (config.kind) {
    case "file":
      return withFile(config, deps, async (options) =>
        (await exists(options.path))
          ? refused("there is a root key file already")
          : createFileKms(options, deps.cost),
      );
    case "pkcs11":
      return openPkcs11Kms(config, { random: deps.random, make: true });
    default:
      return unreachable(config);
  }
}

async function withFile(
  config: FileConfig,
  { folder, passphrase, random }: KmsDeps,
  open: (options: RootKeyOptions) => Promise<Result<Kms>>,
): Promise<Result<Kms>> {
  const secret = passphrase();
  if (!secret.ok) return secret;
  const path = config.path ?? join(folder, "root.key");
  return open({ path, passphrase: secret.value, random });
}

const refused = (detail: string): ReturnType<typeof refuse> =>
  refuse("root-key-refused", { detail });

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}
