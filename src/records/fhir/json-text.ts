import { scanJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";

/** Walks over JSON text that was scanned before, so that parts can be cut out or replaced in place. */

/** The place just after the string that opens at `open`. */
function endOfString(text: string, open: number): number {
  let end = text.indexOf('"', open + 1);
  for (;;) {
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
}

const notSpace = /[^ \t\n\r]/g;

function nextCharacter(text: string, from: number): string {
  notSpace.lastIndex = from;
  return notSpace.exec(text)?.[0] ?? "";
}

/** Reads a JSON string with its quotes. */
function stringAt(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  return raw.includes("\\") ? String(JSON.parse(text.slice(start, end))) : raw;
}

/**
 * Replaces string values by their key: `change` is asked of each string that stands under one of
 * `keys`, or under any for null, and gives the new value, or null to leave it. All other characters stay as they are.
 * The caller must have scanned the text as JSON.
 */
export function replaceStrings(
  text: string,
  keys: ReadonlySet<string> | null,
  change: (value: string, key: string) => string | null,
): string {
  const pieces: string[] = [];
  let from = 0;
  let key = "";
  let open = text.indexOf('"');
  while (open !== -1) {
    const end = endOfString(text, open);
    if (nextCharacter(text, end) === ":") key = stringAt(text, open, end);
    else if (keys === null || keys.has(key)) {
      const changed = change(stringAt(text, open, end), key);
      if (changed !== null) {
        pieces.push(text.slice(from, open), JSON.stringify(changed));
        from = end;
      }
    }
    open = text.indexOf('"', end);
  }
  pieces.push(text.slice(from));
  return pieces.join("");
}

const structure = /["{}[\],]/g;

/** The texts of the items of a JSON array, as they stand. The caller must have scanned the text. */
export function itemsOfArray(array: string): readonly string[] {
  const items: string[] = [];
  let depth = 0;
  let from = array.indexOf("[") + 1;
  structure.lastIndex = 0;
  for (let found = structure.exec(array); found !== null; found = structure.exec(array)) {
    const [char] = found;
    if (char === '"') structure.lastIndex = endOfString(array, found.index);
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") depth -= 1;
    const closes = depth === 0 && char === "]";
    if (closes || (depth === 1 && char === ",")) {
      const item = array.slice(from, found.index).trim();
      if (item !== "") items.push(item);
      from = found.index + 1;
    }
    if (closes) break;
  }
  return items;
}

/** One member of a JSON object, its value as it stands. */
export interface Member {
  readonly key: string;
  readonly value: string;
}

/** The place just after the value that begins at `from`: at the comma or bracket that ends it. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  structure.lastIndex = from;
  for (let found = structure.exec(text); found !== null; found = structure.exec(text)) {
    const [char] = found;
    if (char === '"') structure.lastIndex = endOfString(text, found.index);
    else if (char === "{" || char === "[") depth += 1;
    else if (depth === 0) return found.index;
    else if (char !== ",") depth -= 1;
  }
  return text.length;
}

/** The members of a JSON object in their order. The caller must have scanned the text. */
export function membersOfObject(object: string): readonly Member[] {
  const members: Member[] = [];
  let open = object.indexOf('"');
  while (open !== -1) {
    const close = endOfString(object, open);
    const from = object.indexOf(":", close) + 1;
    const end = endOfValue(object, from);
    members.push({ key: stringAt(object, open, close), value: object.slice(from, end).trim() });
    open = object.indexOf('"', end);
  }
  return members;
}

/** The members as a JSON object. */
export function objectOf(members: readonly Member[]): string {
  return `{${members.map(({ key, value }) => `${JSON.stringify(key)}:${value}`).join(",")}}`;
}

/** The text of one value of an object; null when the object has no such key, or the text is no JSON. */
export function topLevelText(object: string, key: string): string | null {
  const scanned = scanJson(object, limits.jsonDepth);
  const span = scanned.ok ? scanned.value.topLevel.get(key) : undefined;
  return span === undefined ? null : object.slice(span.start, span.end);
}
