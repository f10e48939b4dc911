import { argon2, createSecretKey, pbkdf2, type KeyObject } from "node:crypto";
import { approvedOnly } from "#core/approved.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { exactObject, wholeNumber } from "#keys/shape.ts";

/** Work of one try at the passphrase with argon2id. */
export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** Work of one try with PBKDF2-HMAC-SHA-512, which FIPS mode approves of; argon2id it does not. */
export interface Pbkdf2Cost {
  readonly iterations: number;
}

export type PassphraseCost = Argon2Cost | Pbkdf2Cost;

/** RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes. */
const recommendedArgon2: Argon2Cost = { memoryKib: 64 * 1024, passes: 3, lanes: 4 };
/** NIST SP 800-132 §5.2: as many as is tolerable; about half a second. */
const recommendedPbkdf2: Pbkdf2Cost = { iterations: 600_000 };

export const recommendedCost = (approved = approvedOnly()): PassphraseCost =>
  approved ? recommendedPbkdf2 : recommendedArgon2;

/** The cost is read before it is authenticated, so what it may ask of us is bounded. */
const costLimits = {
  memoryKibMax: 1024 * 1024,
  passesMax: 16,
  lanesMax: 16,
  iterationsMin: 1_000,
  iterationsMax: 20_000_000,
  passphraseCharactersMax: 1_024,
} as const;

const keyBytes = 32;

export function kdfName(cost: PassphraseCost): "argon2id" | "pbkdf2-hmac-sha-512" {
  return "iterations" in cost ? "pbkdf2-hmac-sha-512" : "argon2id";
}

/**
 * The key that opens the root key file. NFC, so that the same passphrase typed on another system
 * gives the same bytes. Fails with "root-key-refused" when the passphrase is too long or memory is
 * short, and with "fips-unavailable" for argon2id in FIPS mode.
 */
export async function derivePassphraseKey(
  passphrase: string,
  salt: Buffer,
  {
    cost,
    approved = approvedOnly(),
  }: { readonly cost: PassphraseCost; readonly approved?: boolean },
): Promise<Result<KeyObject>> {
  const { passphraseCharactersMax } = costLimits;
  if (passphrase.length > passphraseCharactersMax)
    return refused(`the passphrase has more than ${passphraseCharactersMax} characters`);
  const message = passphrase.normalize("NFC");
  if ("iterations" in cost) return derivePbkdf2(message, salt, cost);
  return approved ? notApproved : deriveArgon2(message, salt, cost);
}

function derivePbkdf2(
  message: string,
  salt: Buffer,
  { iterations }: Pbkdf2Cost,
): Promise<Result<KeyObject>> {
  return new Promise((resolve) => {
    pbkdf2(message, salt, iterations, keyBytes, "sha512", (error, derived) => {
      resolve(error === null ? ok(takeKey(derived)) : refused("PBKDF2 could not be run"));
    });
  });
}

function deriveArgon2(
  message: string,
  nonce: Buffer,
  cost: Argon2Cost,
): Promise<Result<KeyObject>> {
  const { memoryKib: memory, passes, lanes: parallelism } = cost;
  return new Promise((resolve) => {
    argon2(
      "argon2id",
      { message, nonce, memory, passes, parallelism, tagLength: keyBytes },
      (error, derived) => {
        resolve(
          error === null
            ? ok(takeKey(derived))
            : refused(`argon2id could not be run with ${memory} KiB of memory`),
        );
      },
    );
  });
}

function takeKey(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

const refused = (detail: string): ReturnType<typeof refuse> =>
  refuse("root-key-refused", { detail });

const notApproved = refuse("fips-unavailable", {
  detail:
    "the root key file is sealed with argon2id, which FIPS mode does not approve; move the keys to a hardware module or key service first: phylax keys move-kms, without FIPS mode",
});

/** The numbers of a cost in the order in which they are authenticated. */
export function costNumbers(cost: PassphraseCost): readonly number[] {
  return "iterations" in cost ? [cost.iterations] : [cost.memoryKib, cost.passes, cost.lanes];
}

/** The cost in the readable part of a root key file, its salt apart; null for what is not one. */
export function parseCost(value: unknown): PassphraseCost | null {
  return parseArgon2(value) ?? parsePbkdf2(value);
}

function parseArgon2(value: unknown): Argon2Cost | null {
  const kdf = exactObject(value, ["name", "memoryKib", "passes", "lanes", "salt"]);
  if (kdf === null || kdf.name !== "argon2id") return null;
  const lanes = wholeNumber(kdf.lanes, 1, costLimits.lanesMax);
  const passes = wholeNumber(kdf.passes, 1, costLimits.passesMax);
  // RFC 9106 §3.1: at least 8 KiB of memory for each lane.
  const memoryKib = wholeNumber(kdf.memoryKib, 8 * (lanes ?? 1), costLimits.memoryKibMax);
  return lanes === null || passes === null || memoryKib === null
    ? null
    : { memoryKib, passes, lanes };
}

function parsePbkdf2(value: unknown): Pbkdf2Cost | null {
  const kdf = exactObject(value, ["name", "iterations", "salt"]);
  if (kdf === null || kdf.name !== "pbkdf2-hmac-sha-512") return null;
  const { iterationsMin, iterationsMax } = costLimits;
  const iterations = wholeNumber(kdf.iterations, iterationsMin, iterationsMax);
  return iterations === null ? null : { iterations };
}
