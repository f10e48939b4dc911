import { unreachable } from "#core/result.ts";
import { blindIndexes, tokenBitsMax, type BlindIndexName } from "#vault/blind-index.ts";

/** A smaller register is indexed as if it were to grow to this. */
export const patientsLeast = 10_000;

/** Patients that share a token by chance, where a shared token must not mean a shared value. */
const patientsPerToken = 4;

/**
 * So few that the most frequent beginnings of names drown among those that share their token:
 * frequency.test.ts measures what is left. Each bit less would double what a search opens in vain.
 */
const nameBits = 5;
/** One more for sounds, of which each Patient has several. */
const soundBits = 6;

function bitsOf(index: BlindIndexName, patients: number): number {
  switch (index) {
    case "identifier":
    case "identifier-value":
      // Each has one owner, so that there are no frequencies to hide.
      return tokenBitsMax;
    case "family":
    case "given":
    case "name-text":
      return nameBits;
    case "phonetic":
      return soundBits;
    case "birth-date":
    case "phone":
    case "address":
      return Math.floor(Math.log2(Math.max(patients, patientsLeast) / patientsPerToken));
    default:
      return unreachable(index);
  }
}

/** Bits that the tokens of each index keep, for a register of this many patients. */
export const widthsFor = (patients: number): readonly number[] =>
  blindIndexes.map((index) => bitsOf(index, patients));
