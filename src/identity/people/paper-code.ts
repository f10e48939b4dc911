import type { Random } from "#core/random.ts";

/** Crockford's base32: no letter that a hand or an eye takes for another. */
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** 50 bits: few enough to type, too many to guess behind the throttle, and nothing without a second fact. */
export const invitationCodeChars = 10;
/** 130 bits: who holds an envelope's code needs nothing beside it. */
export const envelopeCodeChars = 26;

/** A fresh code, as it is looked up. */
export function newCode(random: Random, chars: number): string {
  // 256 is a multiple of 32, so each letter is as likely as any other.
  return Array.from(random.bytes(chars), (byte) => letters[byte % 32]).join("");
}

/** As it is printed: in groups of five. */
export function printedCode(code: string): string {
  return (code.match(/.{1,5}/g) ?? []).join("-");
}

/** What somebody typed, read as Crockford has it: I and L are 1, O is 0. Null when it is no code. */
export function parseCode(value: unknown): string | null {
  if (typeof value !== "string" || value.length > 80) return null;
  const plain = value
    .toUpperCase()
    .replaceAll(/[\s-]/g, "")
    .replaceAll(/[IL]/g, "1")
    .replaceAll("O", "0");
  const isCode = [invitationCodeChars, envelopeCodeChars].includes(plain.length);
  return isCode && Array.from(plain).every((letter) => letters.includes(letter)) ? plain : null;
}
