import { Secret, TOTP } from "otpauth";
import type { Instant } from "#core/clock.ts";

const periodSeconds = 30;
const digits = 6;
/** RFC 4648 §6 base32 of at least 128 bits (RFC 4226 §4, R6). */
const seedForm = /^[A-Z2-7]{26,128}={0,6}$/;

export function isTotpSeed(text: string): boolean {
  return seedForm.test(text);
}

/** A seed that nobody has: checking against it takes the time of checking against a true one. */
export const nobodysSeed = "A".repeat(32);

/**
 * The time step (RFC 6238 §4.2) whose code this is, looking one step back and one ahead; null when
 * it is no code of these. The caller must see to it that no step is used twice.
 */
export function stepOfCode(seed: string, code: string, now: Instant): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const totp = new TOTP({
    secret: Secret.fromBase32(seed),
    algorithm: "SHA1",
    digits,
    period: periodSeconds,
  });
  const delta = totp.validate({ token: code, timestamp: now, window: 1 });
  return delta === null ? null : Math.floor(now / (periodSeconds * 1_000)) + delta;
}
