import { createSecretKey, type KeyObject } from "node:crypto";
import { encodeFields } from "#core/fields.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { gcm, openUnder, sealUnder } from "#keys/gcm.ts";
import { absolutePath, oneOf, parseShape } from "#keys/kms/fields.ts";
import type { Kms } from "#keys/kms/kms.ts";
import {
  costNumbers,
  derivePassphraseKey,
  kdfName,
  parseCost,
  recommendedCost,
  type PassphraseCost,
} from "#keys/kms/passphrase.ts";
import { readPrivateFile, writePrivateFile } from "#keys/private-file.ts";
import { bytesOf, exactObject, jsonOf } from "#keys/shape.ts";

export interface FileConfig {
  readonly kind: "file";
  /** Null: `root.key` in the keys folder. Elsewhere, best on a medium that the data is not on. */
  readonly path: string | null;
}

/** Null when the value is not this kind's choice. */
export function parseFileConfig(value: unknown): FileConfig | null {
  return parseShape(value, { needs: { kind: oneOf("file") }, may: { path: absolutePath } });
}

const fileLimits = { bytes: 4_096, passphraseCharactersMin: 12 } as const;

const keyBytes = 32;
const saltBytes = 16;
const sealedBytes = keyBytes + gcm.overheadBytes;

interface RootKeyFile {
  readonly cost: PassphraseCost;
  readonly salt: Buffer;
  readonly sealed: Buffer;
}

export interface RootKeyOptions {
  readonly path: string;
  readonly passphrase: string;
  readonly random: Random;
}

/**
 * Makes a root key and seals it into a new file under the passphrase. Fails with "root-key-refused"
 * when the passphrase is too short. The caller must have seen that no such file exists.
 * Without a cost it is argon2id's recommended one, and PBKDF2's in FIPS mode.
 */
export async function createFileKms(
  { path, passphrase, random }: RootKeyOptions,
  cost: PassphraseCost = recommendedCost(),
): Promise<Result<Kms>> {
  if (passphrase.length < fileLimits.passphraseCharactersMin)
    return refused(`the passphrase needs ${fileLimits.passphraseCharactersMin} characters or more`);
  const salt = random.bytes(saltBytes);
  const passphraseKey = await derivePassphraseKey(passphrase, salt, { cost });
  if (!passphraseKey.ok) return passphraseKey;
  const root = random.bytes(keyBytes);
  const nonce = random.bytes(gcm.nonceBytes);
  const sealed = sealUnder(passphraseKey.value, { nonce, aad: headerOf(cost, salt), plain: root });
  await writePrivateFile(path, printFile({ cost, salt, sealed }));
  return ok(kmsOf(takeKey(root), { path, random, cost }));
}

/**
 * Opens the root key with the passphrase. Fails with "root-key-refused" when the file is missing,
 * readable by others or malformed, or when the passphrase is wrong or the file was altered: which
 * of the last two it is cannot be told. In FIPS mode a file sealed with argon2id fails with
 * "fips-unavailable".
 */
export async function openFileKms({
  path,
  passphrase,
  random,
}: RootKeyOptions): Promise<Result<Kms>> {
  const file = await readPrivateFile(path, fileLimits.bytes);
  if (file.found === "nothing") return refused("there is no root key file");
  if (file.found === "unusable") return refused(`the root key file: ${file.why}`);
  const parsed = parseFile(file.text);
  if (parsed === null) return refused("the root key file has not the form of one");
  const passphraseKey = await derivePassphraseKey(passphrase, parsed.salt, parsed);
  if (!passphraseKey.ok) return passphraseKey;
  const root = openUnder(passphraseKey.value, headerOf(parsed.cost, parsed.salt), parsed.sealed);
  if (root === null) return refused("the passphrase is wrong, or the file was altered");
  return ok(kmsOf(takeKey(root), { path, random, cost: parsed.cost }));
}

const refused = (detail: string): ReturnType<typeof refuse> =>
  refuse("root-key-refused", { detail });

function takeKey(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

interface OpenFile extends Pick<RootKeyOptions, "path" | "random"> {
  readonly cost: PassphraseCost;
}

function kmsOf(root: KeyObject, { path, random, cost }: OpenFile): Kms {
  const aadOf = (context: string): Buffer => encodeFields(["phylax root wrap v1", context]);
  return {
    name: "file",
    wrap: async (kek, context) =>
      ok(
        sealUnder(root, {
          nonce: random.bytes(gcm.nonceBytes),
          aad: aadOf(context),
          plain: kek,
        }),
      ),
    unwrap: async (wrapped, context) => {
      const kek = openUnder(root, aadOf(context), wrapped);
      return kek === null ? refused("this root key did not wrap it") : ok(kek);
    },
    describe: () => `a file sealed under a passphrase with ${kdfName(cost)}: ${path}`,
    close: () => Promise.resolve(),
  };
}

/** The readable half of the file, bound to the sealed half so that its cost cannot be lowered. */
function headerOf(cost: PassphraseCost, salt: Buffer): Buffer {
  const numbers = costNumbers(cost).map(String);
  const name = kdfName(cost);
  return encodeFields(["phylax root key v1", name, ...numbers, salt.toString("base64url")]);
}

function printFile({ cost, salt, sealed }: RootKeyFile): string {
  const kdf = { name: kdfName(cost), ...cost, salt: salt.toString("base64url") };
  const file = { format: "phylax-root-key", version: 1, kdf, sealed: sealed.toString("base64url") };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function parseFile(text: string): RootKeyFile | null {
  const file = exactObject(jsonOf(text), ["format", "version", "kdf", "sealed"]);
  if (file === null || file.format !== "phylax-root-key" || file.version !== 1) return null;
  const cost = parseCost(file.kdf);
  const salt = bytesOf(saltOf(file.kdf), saltBytes);
  const sealed = bytesOf(file.sealed, sealedBytes);
  return cost === null || salt === null || sealed === null ? null : { cost, salt, sealed };
}

const saltOf = (kdf: unknown): unknown =>
  typeof kdf === "object" && kdf !== null && "salt" in kdf ? kdf.salt : null;
