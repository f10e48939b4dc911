import { argon2, pbkdf2, timingSafeEqual } from "node:crypto";
import { approvedOnly } from "#core/approved.ts";
import type { Random } from "#core/random.ts";
import type { Gate } from "#identity/gate.ts";

/** The work of one try, kept with each hash so that it may grow later. */
export type PasswordCost =
  /** RFC 9106. */
  | {
      readonly kdf: "argon2id";
      readonly memoryKib: number;
      readonly passes: number;
      readonly lanes: number;
    }
  /** NIST SP 800-132, for FIPS mode; `passes` is its iteration count. */
  | { readonly kdf: "pbkdf2-hmac-sha-512"; readonly passes: number };

export interface PasswordHash {
  readonly hash: Buffer;
  readonly salt: Buffer;
  readonly cost: PasswordCost;
}

/** About 0.1 s on one core of 2024, and memory that makes guessing by graphics cards dear. */
const argon2Cost: PasswordCost = { kdf: "argon2id", memoryKib: 64 * 1024, passes: 2, lanes: 1 };
/** As long; it costs a guesser no memory, which is the price of FIPS mode. */
const pbkdf2Cost: PasswordCost = { kdf: "pbkdf2-hmac-sha-512", passes: 210_000 };

/** What new passwords are hashed with. */
export function passwordCost(approved = approvedOnly()): PasswordCost {
  return approved ? pbkdf2Cost : argon2Cost;
}

const hashBytes = 32;
const saltBytes = 16;

function derive(password: string, salt: Buffer, cost: PasswordCost): Promise<Buffer> {
  // NIST SP 800-63B §5.1.1.2: one form for all ways to type the same characters.
  const message = Buffer.from(password.normalize("NFKC"), "utf8");
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null, hash: Buffer): void => {
      if (error === null) resolve(hash);
      else reject(error);
    };
    if (cost.kdf === "pbkdf2-hmac-sha-512") {
      pbkdf2(message, salt, cost.passes, hashBytes, "sha512", settle);
      return;
    }
    const { memoryKib: memory, passes, lanes: parallelism } = cost;
    const options = { message, nonce: salt, parallelism, tagLength: hashBytes, memory, passes };
    argon2("argon2id", options, settle);
  });
}

export async function hashPassword(
  password: string,
  random: Random,
  cost = passwordCost(),
): Promise<PasswordHash> {
  const salt = random.bytes(saltBytes);
  return { hash: await derive(password, salt, cost), salt, cost };
}

/** Stands in where no account has the user name, so that the answer takes the same time. */
const nobodys = (approved: boolean): PasswordHash => ({
  hash: Buffer.alloc(hashBytes),
  salt: Buffer.alloc(saltBytes),
  cost: passwordCost(approved),
});

/**
 * Whether the password is the one hashed; always false for null, in the same time. Null when so
 * many are being computed that this one had to be turned away. A hash of argon2id cannot be checked
 * in FIPS mode: that password is wrong then, as nobody's is.
 */
export type CheckPassword = (
  password: string,
  stored: PasswordHash | null,
) => Promise<boolean | null>;

export function createCheckPassword(gate: Gate, approved = approvedOnly()): CheckPassword {
  const nobody = nobodys(approved);
  return async (password, stored) => {
    const usable = stored !== null && !(approved && stored.cost.kdf === "argon2id");
    const against = usable ? stored : nobody;
    const derived = await gate(() => derive(password, against.salt, against.cost));
    if (derived === null) return null;
    return timingSafeEqual(derived, against.hash) && usable;
  };
}
