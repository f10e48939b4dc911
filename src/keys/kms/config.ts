import { join } from "node:path";
import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import { openAwsKms, parseAwsConfig, type AwsConfig } from "#keys/kms/aws.ts";
import { openAzureKms, parseAzureConfig, type AzureConfig } from "#keys/kms/azure.ts";
import {
  createFileKms,
  openFileKms,
  parseFileConfig,
  type FileConfig,
  type RootKeyOptions,
} from "#keys/kms/file.ts";
import { openGcpKms, parseGcpConfig, type GcpConfig } from "#keys/kms/gcp.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { openPkcs11Kms, parsePkcs11Config, type Pkcs11Config } from "#keys/kms/pkcs11/pkcs11.ts";
import {
  openSystemdCredsKms,
  parseSystemdCredsConfig,
  type SystemdCredsConfig,
} from "#keys/kms/systemd-creds.ts";
import type { KmsDeps } from "#keys/kms/tools.ts";
import { openTpmKms, parseTpmConfig, type TpmConfig } from "#keys/kms/tpm.ts";
import { openVaultKms, parseVaultConfig, type VaultConfig } from "#keys/kms/vault.ts";
import { exists, readPrivateFile, writePrivateFile } from "#keys/private-file.ts";
import { jsonOf } from "#keys/shape.ts";

/** Which KMS holds the root key and how it is reached; holds no secret, only where secrets lie. */
export type KmsConfig =
  | FileConfig
  | SystemdCredsConfig
  | TpmConfig
  | Pkcs11Config
  | VaultConfig
  | AwsConfig
  | AzureConfig
  | GcpConfig;

const fileKind: KmsConfig = { kind: "file", path: null };
const configBytesMax = 8_192;
const probeBytes = 32;

/** Null when the value is not a choice that we know, or has a member that its kind has not. */
export function parseKmsConfig(value: unknown): KmsConfig | null {
  if (typeof value !== "object" || value === null || !("kind" in value)) return null;
  switch (value.kind) {
    case "file":
      return parseFileConfig(value);
    case "pkcs11":
      return parsePkcs11Config(value);
    case "systemd-creds":
      return parseSystemdCredsConfig(value);
    case "tpm":
      return parseTpmConfig(value);
    case "vault":
      return parseVaultConfig(value);
    case "aws":
      return parseAwsConfig(value);
    case "azure":
      return parseAzureConfig(value);
    case "gcp":
      return parseGcpConfig(value);
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
 * key or the key is not guarded as it must be, and with "key-unavailable" when the KMS does not
 * answer, lets us not in, or a package or program that it needs is missing.
 */
export async function openKms(config: KmsConfig, deps: KmsDeps): Promise<Result<Kms>> {
  const { folder, random, tools } = deps;
  switch (config.kind) {
    case "file":
      return withFile(config, deps, openFileKms);
    case "pkcs11":
      return openPkcs11Kms(config, { random, make: false });
    case "systemd-creds":
      return ok(openSystemdCredsKms(config, tools));
    case "tpm":
      return ok(openTpmKms(config, { run: tools.run, folder }));
    case "vault":
      return openVaultKms(config, tools);
    case "aws":
      return openAwsKms(config);
    case "azure":
      return openAzureKms(config, tools);
    case "gcp":
      return openGcpKms(config, tools);
    default:
      return unreachable(config);
  }
}

/**
 * Makes the root key where making it is ours to do (a file, a PKCS#11 token) and opens it; elsewhere
 * opens the one that is named and proves that it wraps and unwraps. Never replaces a key that is
 * there: "root-key-refused" then. Fails otherwise as openKms does.
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
    case "systemd-creds":
    case "tpm":
    case "vault":
    case "aws":
    case "azure":
    case "gcp": {
      const kms = await openKms(config, deps);
      return kms.ok ? proven(kms.value, deps) : kms;
    }
    default:
      return unreachable(config);
  }
}

/** A KMS may let us wrap and not unwrap: better known now than at the next start. */
export async function proven(kms: Kms, { random }: Pick<KmsDeps, "random">): Promise<Result<Kms>> {
  const context = `phylax kms proof v1 ${random.uuid()}`;
  const probe = random.bytes(probeBytes);
  const wrapped = await kms.wrap(probe, context);
  const opened = wrapped.ok ? await kms.unwrap(wrapped.value, context) : wrapped;
  const isSame = opened.ok && opened.value.equals(probe);
  if (isSame) return ok(kms);
  await kms.close();
  return opened.ok ? refused("the KMS unwraps something else than it wrapped") : opened;
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
