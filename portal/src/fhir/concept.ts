import { at, firstText, list, text } from "./json.ts";

/** What a CodeableConcept says to a person: its own text, else the display of a coding, else a code. */
export function conceptText(concept: unknown): string | null {
  const codings = list(at(concept, "coding"));
  return firstText(
    at(concept, "text"),
    ...codings.map((coding) => at(coding, "display")),
    ...codings.map((coding) => at(coding, "code")),
  );
}

/** The same as a heading: "blood pressure" becomes "Blood pressure", but pH and mRNA stay as they are. */
export function conceptName(concept: unknown): string | null {
  const words = conceptText(concept);
  if (words === null || !startsInLowerCase.test(words)) return words;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const startsInLowerCase = /^\p{Ll}+(?:$|[\s,(/-])/u;

/** The codes of a CodeableConcept, in their order. */
export function conceptCodes(concept: unknown): readonly string[] {
  return list(at(concept, "coding")).flatMap((coding) => text(at(coding, "code")) ?? []);
}

/** A key under which the same concept is found again: system and code, else its text. */
export function conceptKey(concept: unknown): string | null {
  const coding = list(at(concept, "coding")).find((one) => text(at(one, "code")) !== null);
  if (coding === undefined) return text(at(concept, "text"));
  return `${text(at(coding, "system")) ?? ""}|${text(at(coding, "code")) ?? ""}`;
}

/** What a Reference calls the thing it points to. */
export function referenceText(reference: unknown): string | null {
  return text(at(reference, "display"));
}
