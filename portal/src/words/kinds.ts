import { words } from "./en.ts";

const named: ReadonlyMap<string, string> = new Map(Object.entries(words.kinds));

const theList = "AuditEvent";

/** FHIR type names, "Type:category" and sensitivity labels as a list in plain words, each once. */
export function kindsWords(kinds: readonly string[]): string {
  const narrower = new Set(kinds.flatMap((kind) => (kind.includes(":") ? kind.split(":", 1) : [])));
  const parts = kinds.filter((kind) => !narrower.has(kind) && kind !== theList);
  // To have read the list is said last: it is the least of what one wants to know.
  const told = kinds.includes(theList) ? [...parts, theList] : parts;
  const known = told.map((kind) => named.get(kind) ?? words.kindOther);
  const each = [...new Set(known)];
  return each.length === 0 ? words.access.nothingNamed : words.joinList(each);
}
