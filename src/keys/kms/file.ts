import { argon2, createSecretKey, type KeyObject } from "node:crypto";
import { encodeFields } from "#core/fields.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { gcm, openUnder, sealUnder } from "#keys/gcm.ts";
import { absolutePath, oneOf, parseShape } from "#keys/kms/fields.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { readPrivateFile, writePrivateFile } from "#keys/private-file.ts";
import { bytesOf, exactObject, jsonOf, wholeNumber } from "#keys/shape.ts";

export interface FileConfig {
  readonly kind: "file";
  /** Null: `root.key` in the keys folder. Elsewhere, best on a medium that the data is not on. */
  readonly path: string | null;
}

/** Null when the value is not this kind's choice. */
export function parseFileConfig(value: unknown): FileConfig | null {
  return parseShape(value, { needs: { kind: oneOf("file") }, may: { path: absolutePath } });
}

/** Work of one try at the passphrase. */
export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes. */
export const recommendedCost: Argon2Cost = { memoryKib: 64 * 1024, passes: 3, lanes: 4 };

/** The file is read before it is authenticated, so what it may ask of us is bounded. */
const fileLimits = {
  bytes: 4_096,
  memoryKibMax: 1024 * 1024,
  passesMax: 16,
  lanesMax: 16,
  passphraseCharactersMin: 12,
  passphraseCharactersMax: 1_024,
} as const;

const keyBytes = 32;
const saltBytes = 16;
const sealedBytes = keyBytes + gcm.overheadBytes;

interface RootKeyFile {
  readonly cost: Argon2Cost;
  readonly salt: Buffer;
  readonly sealed: Buffer;
}

interface RootKeyOptions {
  readonly path: string;
  readonly passphrase: string;
  readonly random: Random;
}

/**
 * Makes a root key and seals it into a new file under the passphrase. Fails with "root-key-refused"
 * when the passphrase is too short. The caller must have seen that no such file exists.
 */
export async function createFileKms(
  { path, passphrase, random }: RootKeyOptions,
  cost: Argon2Cost = recommendedCost,
): Promise<Result<Kms>> {
  if (passphrase.length < fileLimits.passphraseCharactersMin)
    return refused(`the passphrase needs ${fileLimits.passphraseCharactersMin} characters or more`);
  const salt = random.bytes(saltBytes);
  const passphraseKey = await derive(passphrase, salt, cost);
  if (!passphraseKey.ok) return passphraseKey;
  const root = random.bytes(keyBytes);
  const nonce = random.bytes(gcm.nonceBytes);
  const sealed = sealUnder(passphraseKey.value, { nonce, aad: headerOf(cost, salt), plain: root });
  await writePrivateFile(path, printFile({ cost, salt, sealed }));
  return ok(kmsOf(takeKey(root), { path, random }));
}

/**
 * Opens the root key with the passphrase. Fails with "root-key-refused" when the file is missing,
 * readable by others or malformed, or when the passphrase is wrong or the file was altered: which
 * of the last two it is cannot be told.
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
  const passphraseKey = await derive(passphrase, parsed.salt, parsed.cost);
  if (!passphraseKey.ok) return passphraseKey;
  const root = openUnder(passphraseKey.value, headerOf(parsed.cost, parsed.salt), parsed.sealed);
  if (root === null) return refused("the passphrase is wrong, or the file was altered");
  return ok(kmsOf(takeKey(root), { path, random }));
}

const refused = (detail: string): ReturnType<typeof refuse> =>
  refuse("root-key-refused", { detail });

function takeKey(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

function kmsOf(root: KeyObject, { path, random }: Omit<RootKeyOptions, "passphrase">): Kms {
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
    describe: () => `a file sealed under a passphrase with argon2id: ${path}`,
    close: () => Promise.resolve(),
  };
}

/** NFC, so that the same passphrase typed on another system gives the same bytes. */
async function derive(
  passphrase: string,
  salt: Buffer,
  cost: Argon2Cost,
): Promise<Result<KeyObject>> {
  if (passphrase.length > fileLimits.passphraseCharactersMax)
    return refused(`the passphrase has more than ${fileLimits.passphraseCharactersMax} characters`);
  return new Promise((resolve) => {
    argon2(
      "argon2id",
      {
        message: passphrase.normalize("NFC"),
        nonce: salt,
        memory: cost.memoryKib,
        passes: cost.passes,
        parallelism: cost.lanes,
        tagLength: keyBytes,
      },
      (error, derived) => {
        resolve(
          error === null
            ? ok(takeKey(derived))
            : refused(`argon2id could not be run with ${cost.memoryKib} KiB of memory`),
        );
      },
    );
  });
}

/** The readable half of the file, bound to the sealed half so that its cost cannot be lowered. */
function headerOf(cost: Argon2Cost, salt: Buffer): Buffer {
  const numbers = [cost.memoryKib, cost.passes, cost.lanes].map(String);
  return encodeFields(["phylax root key v1", "argon2id", ...numbers, salt.toString("base64url")]);
}

function printFile({ cost, salt, sealed }: RootKeyFile): string {
  const kdf = { name: "argon2id", ...cost, salt: salt.toString("base64url") };
  const file = { format: "phylax-root-key", version: 1, kdf, sealed: sealed.toString("base64url") };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function parseFile(text: string): RootKeyFile | null {
  const file = exactObject(jsonOf(text), ["format", "version", "kdf", "sealed"]);
  if (file === null || file.format !== "phylax-root-key" || file.version !== 1) return null;
  const kdf = exactObject(file.kdf, ["name", "memoryKib", "passes", "lanes", "salt"]);
  if (kdf === null || kdf.name !== "argon2id") return null;
  const lanes = wholeNumber(kdf.lanes, 1, fileLimits.lanesMax);
  const passes = wholeNumber(kdf.passes, 1, fileLimits.passesMax);
  // RFC 9106 §3.1: at least 8 KiB of memory for each lane.
  const memoryKib = wholeNumber(kdf.memoryKib, 8 * (lanes ?? 1), fileLimits.memoryKibMax);
  const salt = bytesOf(kdf.salt, saltBytes);
  const sealed = bytesOf(file.sealed, sealedBytes);
  if (lanes === null || passes === null || memoryKib === null || !salt || !sealed) return null;
  return { cost: { memoryKib, passes, lanes }, salt, sealed };
}
