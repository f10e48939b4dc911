import { problem, type Problem } from "#core/problem.ts";

/** A piece of a Bundle's text, in the order in which it stands there. */
export type Piece =
  /** One item of the top-level array `entry`, as it was written; not yet scanned. */
  | { readonly kind: "item"; readonly index: number; readonly text: string }
  /** An item that is larger than is accepted. */
  | { readonly kind: "tooLarge"; readonly index: number }
  /** Any other top-level member, if it is short. */
  | { readonly kind: "member"; readonly key: string; readonly text: string };

/** Cuts one JSON object into pieces while it arrives; holds no more than the piece in hand. */
export interface Splitter {
  /** Takes the next part of the text. After a problem nothing more may be pushed. */
  push(part: string): { readonly pieces: readonly Piece[]; readonly problem: Problem | null };
  /** Null when the text was one whole object. */
  end(): Problem | null;
}

/** Longer members other than `entry`, e.g. a signature, are passed over. */
const memberCharsMax = 64 * 1024;

type State =
  | "start"
  | "keyOrEnd"
  | "nextKey"
  | "key"
  | "colon"
  | "value"
  | "inValue"
  | "commaOrEnd"
  | "itemOrEnd"
  | "item"
  | "inItem"
  | "itemCommaOrEnd"
  | "done";

/** Where scanning stands, between two parts as well. */
interface Cursor {
  state: State;
  /** What is kept of the text: from the start of the piece in hand. */
  kept: string;
  at: number;
  /** Start of the piece in `kept`; -1 when none is in hand, -2 when it is passed over. */
  pieceStart: number;
  depth: number;
  inString: boolean;
  escaped: boolean;
  /** Whether the piece is a bare number, true, false or null. */
  bare: boolean;
  key: string;
  index: number;
  passed: number;
}

const none = -1;
const passedOver = -2;

export function createSplitter(itemCharsMax: number): Splitter {
  const cursor: Cursor = {
    state: "start",
    kept: "",
    at: 0,
    pieceStart: none,
    depth: 0,
    inString: false,
    escaped: false,
    bare: false,
    key: "",
    index: 0,
    passed: 0,
  };
  return {
    push: (part) => {
      cursor.kept += part;
      const pieces: Piece[] = [];
      const broken = advance(cursor, pieces, itemCharsMax);
      forget(cursor);
      return { pieces, problem: broken };
    },
    end: () => (cursor.state === "done" ? null : brokenAt(cursor)),
  };
}

function brokenAt(cursor: Cursor): Problem {
  return problem("json-broken", { detail: `character ${cursor.passed + cursor.at + 1}` });
}

/** Drops what was read, but for the piece in hand. */
function forget(cursor: Cursor): void {
  const from = cursor.pieceStart >= 0 ? cursor.pieceStart : cursor.at;
  cursor.kept = cursor.kept.slice(from);
  cursor.passed += from;
  cursor.at -= from;
  if (cursor.pieceStart >= 0) cursor.pieceStart = 0;
}

function advance(cursor: Cursor, pieces: Piece[], itemCharsMax: number): Problem | null {
  const { kept } = cursor;
  while (cursor.at < kept.length) {
    const before = cursor.at;
    if (cursor.state === "inValue" || cursor.state === "inItem" || cursor.state === "key") {
      walkPiece(cursor, pieces, itemCharsMax);
      continue;
    }
    const char = kept[before] ?? "";
    cursor.at += 1;
    if (char === " " || char === "\n" || char === "\r" || char === "\t") continue;
    if (!accept(cursor, char, before)) {
      cursor.at = before;
      return brokenAt(cursor);
    }
  }
  return null;
}

/** Takes one character that stands between pieces; false when it has no business there. */
function accept(cursor: Cursor, char: string, at: number): boolean {
  switch (cursor.state) {
    case "start":
      return char === "{" && goTo(cursor, "keyOrEnd");
    case "keyOrEnd":
      if (char === "}") return goTo(cursor, "done");
      return char === '"' && beginPiece(cursor, "key", char, at);
    case "nextKey":
      return char === '"' && beginPiece(cursor, "key", char, at);
    case "colon":
      return char === ":" && goTo(cursor, "value");
    case "value":
      if (cursor.key === "entry" && char === "[") return goTo(cursor, "itemOrEnd");
      return beginPiece(cursor, "inValue", char, at);
    case "commaOrEnd":
      if (char === "}") return goTo(cursor, "done");
      return char === "," && goTo(cursor, "nextKey");
    case "itemOrEnd":
      if (char === "]") return goTo(cursor, "commaOrEnd");
      return beginPiece(cursor, "inItem", char, at);
    case "item":
      return beginPiece(cursor, "inItem", char, at);
    case "itemCommaOrEnd":
      if (char === "]") return goTo(cursor, "commaOrEnd");
      return char === "," && goTo(cursor, "item");
    case "key":
    case "inValue":
    case "inItem":
    case "done":
      return false;
    default:
      return false;
  }
}

function goTo(cursor: Cursor, state: State): true {
  cursor.state = state;
  return true;
}

function beginPiece(cursor: Cursor, state: State, char: string, at: number): boolean {
  if (char === "," || char === "}" || char === "]" || char === ":") return false;
  cursor.state = state;
  cursor.pieceStart = at;
  cursor.inString = char === '"';
  cursor.escaped = false;
  cursor.depth = char === "{" || char === "[" ? 1 : 0;
  cursor.bare = !cursor.inString && cursor.depth === 0;
  return true;
}

/** Goes on to the end of the piece in hand, or of what has arrived. */
function walkPiece(cursor: Cursor, pieces: Piece[], itemCharsMax: number): void {
  const { kept } = cursor;
  while (cursor.at < kept.length) {
    const char = kept.charCodeAt(cursor.at);
    if (cursor.inString) {
      cursor.at += 1;
      if (cursor.escaped) cursor.escaped = false;
      else if (char === 0x5c) cursor.escaped = true;
      else if (char === 0x22) {
        cursor.inString = false;
        if (cursor.depth === 0) return endPiece(cursor, pieces, itemCharsMax);
      }
      continue;
    }
    if (cursor.bare && isEndOfBare(char)) return endPiece(cursor, pieces, itemCharsMax);
    cursor.at += 1;
    if (char === 0x22) cursor.inString = true;
    else if (char === 0x7b || char === 0x5b) cursor.depth += 1;
    else if (char === 0x7d || char === 0x5d) {
      cursor.depth -= 1;
      if (cursor.depth === 0) return endPiece(cursor, pieces, itemCharsMax);
    }
  }
  const limit = cursor.state === "inItem" ? itemCharsMax : memberCharsMax;
  if (cursor.pieceStart >= 0 && cursor.at - cursor.pieceStart > limit)
    cursor.pieceStart = passedOver;
  return undefined;
}

// , ] } and white space
function isEndOfBare(char: number): boolean {
  return char === 0x2c || char === 0x5d || char === 0x7d || char <= 0x20;
}

function endPiece(cursor: Cursor, pieces: Piece[], itemCharsMax: number): void {
  const whole = cursor.pieceStart >= 0;
  const text = whole ? cursor.kept.slice(cursor.pieceStart, cursor.at) : "";
  cursor.pieceStart = none;
  if (cursor.state === "key") {
    cursor.key = keyOf(text);
    cursor.state = "colon";
    return;
  }
  if (cursor.state === "inValue") {
    cursor.state = "commaOrEnd";
    if (whole && text.length <= memberCharsMax)
      pieces.push({ kind: "member", key: cursor.key, text });
    return;
  }
  cursor.state = "itemCommaOrEnd";
  const { index } = cursor;
  cursor.index += 1;
  const fits = whole && text.length <= itemCharsMax;
  pieces.push(fits ? { kind: "item", index, text } : { kind: "tooLarge", index });
}

/** A key that is not a JSON string is no key that anyone asks for. */
function keyOf(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return "";
  }
}
