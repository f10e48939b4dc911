import { identityLimits } from "#identity/limits.ts";

const distinctCharsMin = 6;

/**
 * Whether a new password may be taken: long enough, not of a few characters over and over, and not
 * made of the user name (NIST SP 800-63B-4 §3.1.1.2). Nothing else is asked of its characters. No
 * list of breached passwords is looked up: those that can be shipped hold the commonest, and hardly
 * one of these is as long as ours must be.
 */
export function isGoodPassword(password: string, login: string): boolean {
  const text = password.normalize("NFKC").toLowerCase();
  const rest = text.replaceAll(login.normalize("NFKC").trim().toLowerCase(), "");
  return (
    text.length >= identityLimits.passwordCharsMin &&
    rest.length >= identityLimits.passwordCharsMin / 2 &&
    new Set(rest).size >= distinctCharsMin
  );
}
