import { words } from "./en.ts";

const named: ReadonlyMap<string, string> = new Map(Object.entries(words.kinds));

/** FHIR type names or sensitivity labels as a list in plain words, each once. */
export function kindsWords(kinds: readonly string[]): string {
  const known = kinds.map((kind) => named.get(kind) ?? words.kindOther);
  const each = [...new Set(known)];
  return each.length === 0 ? words.access.nothingNamed : words.joinList(each);
}
