import { laterBy, type Clock } from "#core/clock.ts";
import { networkOf } from "#core/network-of.ts";
import type { Random } from "#core/random.ts";
import type { Blind } from "#identity/blind.ts";
import { chargeAttempt, forgetAttempts, refundAttempt } from "#identity/password/attempt-store.ts";
import type { Queryable } from "#storage/database.ts";

export interface ThrottleRule {
  /** Failures before the first delay. */
  readonly free: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/** NIST SP 800-63B §5.2.2: each failure past the free ones doubles the delay before the next guess. */
export const throttleRules = {
  login: { free: 5, firstDelayMs: 2_000, maxDelayMs: 15 * 60_000 },
  // A whole clinic may sit behind one address.
  address: { free: 50, firstDelayMs: 1_000, maxDelayMs: 5 * 60_000 },
  // Few people lose what they sign in with on one day.
  recovery: { free: 10, firstDelayMs: 5_000, maxDelayMs: 60 * 60_000 },
} as const satisfies Record<string, ThrottleRule>;

/** A subject without failures for so long begins anew. */
const attemptMemoryMs = 24 * 60 * 60_000;

/** How long to wait before the next guess once this many failed. */
export function delayMs(rule: ThrottleRule, failures: number): number {
  const doublings = failures - rule.free - 1;
  return doublings < 0 ? 0 : Math.min(rule.firstDelayMs * 2 ** doublings, rule.maxDelayMs);
}

/** Delays after 0, 1, 2… failures, up to the longest. */
function delayTable(rule: ThrottleRule): readonly number[] {
  const doublings = Math.ceil(Math.log2(rule.maxDelayMs / rule.firstDelayMs)) + 1;
  const failures = Array.from({ length: rule.free + doublings + 1 }, (_, index) => index);
  return failures.map((count) => delayMs(rule, count));
}

export interface Throttle {
  /**
   * Charges one guess before it is looked at, so that guesses made at once cannot slip past.
   * Answers how many milliseconds to wait: 0 when the guess may be made now.
   */
  charge(loginBlind: Buffer, address: string): Promise<number>;
  /** Charges one recovery begun from this address; milliseconds to wait, 0 when it may begin. */
  chargeRecovery(address: string): Promise<number>;
  /** The person proved herself: her user name starts anew, the address gets this one charge back. */
  forgive(loginBlind: Buffer, address: string): Promise<void>;
}

export interface ThrottleDeps {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
}

export function createThrottle({ db, clock, random, blind }: ThrottleDeps): Throttle {
  const ofLogin = (login: Buffer): Buffer => blind("attempt-login", login.toString("base64url"));
  const ofAddress = (address: string): Buffer => blind("attempt-address", networkOf(address));
  const chargeOne = async (subject: Buffer, rule: ThrottleRule): Promise<number> => {
    const now = clock.now();
    const { allowed, blockedUntil } = await chargeAttempt(db, {
      subject,
      charge: random.uuid(),
      now,
      forgottenAt: laterBy(now, attemptMemoryMs),
      delaysMs: delayTable(rule),
    });
    return allowed ? 0 : Math.max(1, blockedUntil - now);
  };
  return {
    charge: async (login, address) => {
      const byLogin = await chargeOne(ofLogin(login), throttleRules.login);
      // A blocked user name must not use up the address of the people beside the guesser.
      return byLogin > 0 ? byLogin : chargeOne(ofAddress(address), throttleRules.address);
    },
    chargeRecovery: (address) =>
      chargeOne(blind("attempt-recovery", networkOf(address)), throttleRules.recovery),
    forgive: async (login, address) => {
      await forgetAttempts(db, ofLogin(login));
      await refundAttempt(db, ofAddress(address));
    },
  };
}
