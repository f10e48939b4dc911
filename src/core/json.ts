import { refuse, type ProblemCode } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** Where the value of a top-level key stands in the text: [start, end) in UTF-16 units. */
export interface Span {
  readonly keyStart: number;
  readonly start: number;
  readonly end: number;
}

export interface ScannedJson {
  /** Empty unless the text is one JSON object. */
  readonly topLevel: ReadonlyMap<string, Span>;
}

interface Scanner {
  readonly text: string;
  at: number;
  readonly maxDepth: number;
}

class ScanStop extends Error {
  readonly code: ProblemCode;
  readonly offset: number;
  constructor(code: ProblemCode, offset: number) {
    super(code);
    this.code = code;
    this.offset = offset;
  }
}

const space = /[ \t\n\r]*/y;
const scalar = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

function take(scan: Scanner, pattern: RegExp): string {
  pattern.lastIndex = scan.at;
  const found = pattern.exec(scan.text);
  if (found === null) throw new ScanStop("json-broken", scan.at);
  scan.at = pattern.lastIndex;
  return found[0];
}

function expect(scan: Scanner, char: string): void {
  if (scan.text[scan.at] !== char) throw new ScanStop("json-broken", scan.at);
  scan.at += 1;
}

/** RFC 8259 §7: U+0000 to U+001F stand in a string only escaped. */
const controls = /[^ -\uffff]/;

/** Takes one string with its quotes. indexOf, as a pattern would exhaust its stack on megabytes. */
function takeString(scan: Scanner): string {
  const { text, at } = scan;
  if (text[at] !== '"') throw new ScanStop("json-broken", at);
  let end = text.indexOf('"', at + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  if (end === -1) throw new ScanStop("json-broken", at);
  const raw = text.slice(at, end + 1);
  if (controls.test(raw) || (raw.includes("\\") && !isString(raw)))
    throw new ScanStop("json-broken", at);
  scan.at = end + 1;
  return raw;
}

function isEscaped(text: string, quote: number): boolean {
  let slashes = 0;
  while (text[quote - 1 - slashes] === "\\") slashes += 1;
  return slashes % 2 === 1;
}

function isString(raw: string): boolean {
  try {
    return typeof JSON.parse(raw) === "string";
  } catch {
    return false;
  }
}

function scanObject(scan: Scanner, depth: number, keep?: Map<string, Span>): void {
  const names = new Set<string>();
  expect(scan, "{");
  take(scan, space);
  if (scan.text[scan.at] === "}") {
    scan.at += 1;
    return;
  }
  for (;;) {
    take(scan, space);
    const keyStart = scan.at;
    const raw = takeString(scan);
    const name = raw.includes("\\") ? String(JSON.parse(raw)) : raw.slice(1, -1);
    if (names.has(name)) throw new ScanStop("json-duplicate-key", keyStart);
    names.add(name);
    take(scan, space);
    expect(scan, ":");
    take(scan, space);
    const start = scan.at;
    scanValue(scan, depth);
    keep?.set(name, { keyStart, start, end: scan.at });
    take(scan, space);
    if (scan.text[scan.at] === "}") break;
    expect(scan, ",");
  }
  scan.at += 1;
}

function scanArray(scan: Scanner, depth: number): void {
  expect(scan, "[");
  take(scan, space);
  if (scan.text[scan.at] === "]") {
    scan.at += 1;
    return;
  }
  for (;;) {
    take(scan, space);
    scanValue(scan, depth);
    take(scan, space);
    if (scan.text[scan.at] === "]") break;
    expect(scan, ",");
  }
  scan.at += 1;
}

function scanValue(scan: Scanner, depth: number, keep?: Map<string, Span>): void {
  if (depth > scan.maxDepth) throw new ScanStop("json-too-deep", scan.at);
  switch (scan.text.charAt(scan.at)) {
    case "{":
      scanObject(scan, depth + 1, keep);
      return;
    case "[":
      scanArray(scan, depth + 1);
      return;
    case '"':
      takeString(scan);
      return;
    default:
      take(scan, scalar);
  }
}

/**
 * Checks a JSON text (RFC 8259) in one pass: form, depth, and no key named twice in one object,
 * which JSON.parse would silently drop. Gives the spans of the top-level keys, so that a value
 * can be replaced while every other byte stays as it was sent.
 * Fails with json-broken, json-too-deep or json-duplicate-key; `detail` names line and column.
 */
export function scanJson(text: string, maxDepth: number): Result<ScannedJson> {
  const scan: Scanner = { text, at: 0, maxDepth };
  const topLevel = new Map<string, Span>();
  try {
    take(scan, space);
    scanValue(scan, 0, topLevel);
    take(scan, space);
    if (scan.at !== text.length) throw new ScanStop("json-broken", scan.at);
  } catch (error) {
    if (!(error instanceof ScanStop)) throw error;
    return refuse(error.code, { detail: place(text, error.offset) });
  }
  return ok({ topLevel });
}

function place(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return `line ${line}, column ${offset - before.lastIndexOf("\n")}`;
}

/**
 * Sets top-level keys of a JSON object text, keeping every other character as it was.
 * The caller must have scanned this very text. New keys go to the front, in the order given.
 */
export function spliceJson(
  text: string,
  scanned: ScannedJson,
  values: Readonly<Record<string, string>>,
): string {
  const replaced = Object.entries(values)
    .map(([name, json]) => ({ span: scanned.topLevel.get(name), name, json }))
    .sort((a, b) => (a.span?.start ?? -1) - (b.span?.start ?? -1));
  const added = replaced.filter(({ span }) => span === undefined);
  const open = text.indexOf("{") + 1;
  const front = added.map(({ name, json }) => `${JSON.stringify(name)}:${json}`).join(",");
  const pieces = [
    text.slice(0, open),
    front,
    added.length > 0 && scanned.topLevel.size > 0 ? "," : "",
  ];
  let from = open;
  for (const { span, json } of replaced) {
    if (span === undefined) continue;
    pieces.push(text.slice(from, span.start), json);
    from = span.end;
  }
  pieces.push(text.slice(from));
  return pieces.join("");
}
