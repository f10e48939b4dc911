import { errors } from "oidc-provider";
import type { Clock } from "#core/clock.ts";
import { clientLimits } from "#identity/clients/limits.ts";

type Parts = Readonly<Record<string, unknown>>;

/**
 * What SMART App Launch 2.2 §5.1.3 asks of a client's assertion beyond the library's own checks: the
 * key is named, the assertion is short-lived, and its name is short enough to be remembered. Throws
 * InvalidClientAuth.
 */
export function createAssertionCheck(clock: Clock): (claims: Parts, header: Parts) => void {
  return ({ exp, jti }, { kid }) => {
    const refuse = (why: string): never => {
      throw new errors.InvalidClientAuth(why);
    };
    if (typeof kid !== "string" || kid === "") refuse("kid must name the key that signed");
    const leftSeconds = typeof exp === "number" ? exp - clock.now() / 1_000 : Number.NaN;
    if (!(leftSeconds <= clientLimits.assertionSeconds)) refuse("exp lies too far ahead");
    if (typeof jti !== "string" || jti.length > clientLimits.jtiChars)
      refuse("jti is no short text");
  };
}
