import { words } from "./en.ts";

const named: ReadonlyMap<string, string> = new Map(Object.entries(words.kinds));

/** FHIR type names, "Type:category" and sensitivity labels as a list in plain words, each once. */
export function kindsWords(kinds: readonly string[]): string {
  const narrower = new Set(kinds.flatMap((kind) => (kind.includes(":") ? kind.split(":", 1) : [])));
  const told = kinds.filter((kind) => !narrower.has(kind));
  const known = told.map((kind) => named.get(kind) ?? words.kindOther);
  const each = [...new Set(known)];
  return each.length === 0 ? words.access.nothingNamed : words.joinList(each);
}
