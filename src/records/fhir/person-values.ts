import { doubleMetaphone } from "double-metaphone";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import { folded } from "#records/fhir/search-values.ts";

/** A way to reach a person, brought to the form in which it is compared. */
export interface Contact {
  readonly kind: "phone" | "address";
  readonly text: string;
}

const phoneForm = /^[\d\s()+./-]*\d[\d\s()+./-]*$/;
const extension = /\s*(?:x|ext\.?|extension)\s*\d{1,6}$/i;

/** Digits alone; `00` and the `1` before ten digits of North America only say how to dial. */
function phoneDigits(text: string): string | null {
  const number = text.replace(extension, "");
  if (!phoneForm.test(number)) return null;
  const digits = number.replaceAll(/\D/g, "").replace(/^00/, "");
  return digits.length === 11 && digits.startsWith("1") ? digits.slice(1) : digits;
}

/**
 * A telephone or fax number by its digits, anything else (e-mail, address of a page) without case.
 * Null when the text is empty.
 */
export function contactOf(text: string): Contact | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const digits = phoneDigits(trimmed);
  return digits === null || digits === ""
    ? { kind: "address", text: trimmed.toLowerCase() }
    : { kind: "phone", text: digits };
}

/** What a ContactPoint is compared by: R4 §3.1.1.4.10 takes its `use` for the system of a token. */
export interface ContactPointValue extends Contact {
  readonly use: string | null;
}

export function contactPointOf(value: unknown): ContactPointValue | null {
  if (!isObject(value) || typeof value.value !== "string") return null;
  const contact = contactOf(value.value);
  if (contact === null) return null;
  return { ...contact, use: typeof value.use === "string" ? value.use : null };
}

/** The words of a text, folded; what is neither letter nor mark sets them apart. */
export function wordsOf(text: string): readonly string[] {
  return folded(text.replaceAll(/['’]/g, ""))
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== "");
}

/**
 * How a word sounds, by Double Metaphone: one code, or two where it may be said in two ways. Empty
 * for a word without Latin letters.
 */
export function soundsOf(word: string): readonly string[] {
  return [...new Set(doubleMetaphone(word))].filter((code) => code !== "");
}

/** The words of a HumanName's family and given names, or of a plain text such as an Organization's name. */
export function namedWords(value: unknown): readonly string[] {
  if (typeof value === "string") return wordsOf(value);
  if (!isObject(value)) return [];
  return [value.family, ...listOf(value.given)].flatMap((text) =>
    typeof text === "string" ? wordsOf(text) : [],
  );
}
