import type { Random } from "#core/random.ts";

/** Crockford's base32: no letter that is read as another. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** 80 bits: whoever guesses finds none, however many accounts there are. */
const codeBytes = 10;
const codeForm = /^[0-9A-HJKMNP-TV-Z]{16}$/;

export const recoveryCodesAtOnce = 10;

function encode(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join("");
}

/** 16 characters in groups of four, as they are shown and printed: ABCD-EFGH-JKMN-PQRS. */
export function makeRecoveryCode(random: Random): string {
  return (encode(random.bytes(codeBytes)).match(/.{4}/g) ?? []).join("-");
}

/** The one form of a code as somebody typed it; null when it is none. */
export function readRecoveryCode(typed: string): string | null {
  const plain = typed
    .toUpperCase()
    .replaceAll(/[\s-]/g, "")
    .replaceAll("O", "0")
    .replaceAll(/[IL]/g, "1");
  return codeForm.test(plain) ? plain : null;
}
