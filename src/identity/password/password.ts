import { argon2, timingSafeEqual } from "node:crypto";
import type { Random } from "#core/random.ts";
import type { Gate } from "#identity/gate.ts";

/** argon2id (RFC 9106) with the parameters it was made with, so that they may grow later. */
export interface PasswordHash {
  readonly hash: Buffer;
  readonly salt: Buffer;
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

type Cost = Pick<PasswordHash, "memoryKib" | "passes" | "lanes">;

/** About 0.1 s on one core of 2024, and memory that makes guessing by graphics cards dear. */
export const passwordCost: Cost = { memoryKib: 64 * 1024, passes: 2, lanes: 1 };

const hashBytes = 32;
const saltBytes = 16;

function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2(
      "argon2id",
      {
        // NIST SP 800-63B §5.1.1.2: one form for all ways to type the same characters.
        message: Buffer.from(password.normalize("NFKC"), "utf8"),
        nonce: salt,
        parallelism: cost.lanes,
        tagLength: hashBytes,
        memory: cost.memoryKib,
        passes: cost.passes,
      },
      (error, hash) => {
        if (error === null) resolve(hash);
        else reject(error);
      },
    );
  });
}

export async function hashPassword(password: string, random: Random): Promise<PasswordHash> {
  const salt = random.bytes(saltBytes);
  return { hash: await derive(password, salt, passwordCost), salt, ...passwordCost };
}

/** Stands in where no account has the user name, so that the answer takes the same time. */
const nobodys: PasswordHash = {
  hash: Buffer.alloc(hashBytes),
  salt: Buffer.alloc(saltBytes),
  ...passwordCost,
};

/**
 * Whether the password is the one hashed; always false for null, in the same time. Null when so
 * many are being computed that this one had to be turned away.
 */
export type CheckPassword = (
  password: string,
  stored: PasswordHash | null,
) => Promise<boolean | null>;

export function createCheckPassword(gate: Gate): CheckPassword {
  return async (password, stored) => {
    const against = stored ?? nobodys;
    const derived = await gate(() => derive(password, against.salt, against));
    if (derived === null) return null;
    return timingSafeEqual(derived, against.hash) && stored !== null;
  };
}
