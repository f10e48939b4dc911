import type { Blind } from "#identity/blind.ts";

/** A word's beginning of so many letters can be looked for; names of one or two letters as a whole. */
const beginningChars = 3;
const wordsPerName = 12;

/** The words of a name in one spelling: no case, no accents, letters and digits alone. */
export function wordsOf(name: string): readonly string[] {
  const plain = name.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return (plain.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, wordsPerName);
}

const beginningOf = (word: string): string => Array.from(word).slice(0, beginningChars).join("");

/** What the database keeps of a name to find it by: HMACs of how its words begin. */
export function nameBlind(blind: Blind, name: string): readonly Buffer[] {
  const beginnings = new Set(wordsOf(name).map(beginningOf));
  return [...beginnings].map((beginning) => blind("name", beginning));
}

/** Whether each word asked for begins some word of the name. */
export function isNamed(name: string, asked: string): boolean {
  const words = wordsOf(name);
  return wordsOf(asked).every((begun) => words.some((word) => word.startsWith(begun)));
}
