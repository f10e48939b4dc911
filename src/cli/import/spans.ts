/** Walks over JSON text that was scanned before, telling where the members of one object stand. */

export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const backslash = 0x5c;

function afterString(text: string, open: number): number {
  let at = open + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    at += code === backslash ? 2 : 1;
  }
}

const space = /[ \t\n\r]*/y;

function afterSpace(text: string, from: number): number {
  space.lastIndex = from;
  space.exec(text);
  return space.lastIndex;
}

const bare = /[^,\]} \t\n\r]*/y;

function afterValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return afterString(text, start);
  if (first !== "{" && first !== "[") {
    bare.lastIndex = start;
    bare.exec(text);
    return bare.lastIndex;
  }
  let depth = 0;
  let at = start;
  do {
    const char = text[at];
    if (char === '"') {
      at = afterString(text, at);
      continue;
    }
    if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") depth -= 1;
    at += 1;
  } while (depth > 0);
  return at;
}

/**
 * Where the wanted members of the object that opens at `start` stand. The caller must have scanned
 * the text as JSON, and the character at `start` must be `{`; else this may not return.
 */
export function membersOf(
  text: string,
  start: number,
  wanted: readonly string[],
): ReadonlyMap<string, TextSpan> {
  const found = new Map<string, TextSpan>();
  let at = afterSpace(text, start + 1);
  while (text[at] !== "}" && found.size < wanted.length) {
    const keyEnd = afterString(text, at);
    const key = String(JSON.parse(text.slice(at, keyEnd)));
    const value = afterSpace(text, afterSpace(text, keyEnd) + 1);
    const end = afterValue(text, value);
    if (wanted.includes(key)) found.set(key, { start: value, end });
    at = afterSpace(text, end);
    if (text[at] === ",") at = afterSpace(text, at + 1);
  }
  return found;
}

/**
 * A member that is a string, unescaped; null when it is absent or of another type. The string
 * stands by itself: to cut it from the text would keep the whole text in memory.
 */
export function stringMember(text: string, span: TextSpan | undefined): string | null {
  if (span === undefined || text[span.start] !== '"') return null;
  return String(JSON.parse(text.slice(span.start, span.end)));
}
