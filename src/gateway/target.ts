import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** A request target that has one reading only: `path` and `query` are the very bytes that came. */
export interface Target {
  readonly path: string;
  /** What follows the first "?", empty when there is none or nothing follows. */
  readonly query: string;
  readonly segments: readonly string[];
}

const pathChars = charTable("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$");
/** RFC 3986 pchar that no declared path uses: lawful, so the answer is "not found". */
const otherPathChars = charTable("!&'()*+,;=:@");
/** RFC 3986 query, and the raw `|`, `[`, `]` and `^` that FHIR clients send unescaped. */
const queryChars = charTable(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$!&'()*+,;=:@/?%|[]^",
);

function charTable(chars: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const char of chars) table[char.charCodeAt(0)] = 1;
  return table;
}

const malformed = (detail: string) => refuse("request-malformed", { detail });

/**
 * Reads an origin-form target (RFC 9112 §3.2.1). Two programs may disagree on what an encoded
 * slash, a dot segment or a double slash means, so all of these are refused rather than resolved;
 * no declared path needs percent-encoding, so none is accepted in a path.
 * Fails with request-malformed, url-too-long or not-found.
 */
export function parseTarget(target: string, urlBytes: number): Result<Target> {
  if (target.length > urlBytes) return refuse("url-too-long");
  if (target.charCodeAt(0) !== 0x2f) return malformed("the target does not begin with /");
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  const segments = splitPath(path);
  if (!segments.ok) return segments;
  const query = mark === -1 ? "" : target.slice(mark + 1);
  const fault = query === "" ? null : queryFault(query);
  if (fault !== null) return malformed(fault);
  return ok({ path, query, segments: segments.value });
}

function splitPath(path: string): Result<readonly string[]> {
  const segments: string[] = [];
  if (path === "/") return ok(segments);
  let start = 1;
  let known = true;
  for (let at = 1; at <= path.length; at += 1) {
    const char = at === path.length ? 0x2f : path.charCodeAt(at);
    if (char === 0x2f) {
      const segment = path.slice(start, at);
      // One slash may end a path; what it leads to must be declared with it.
      if (segment === "" && at < path.length) return malformed("an empty path segment");
      if (segment === "." || segment === "..") return malformed("a dot segment in the path");
      segments.push(segment);
      start = at + 1;
    } else if (pathChars[char] !== 1) {
      if (otherPathChars[char] !== 1) return malformed("a character that no path here has");
      known = false;
    }
  }
  return known ? ok(segments) : refuse("not-found");
}

function queryFault(query: string): string | null {
  let encoded = false;
  for (let at = 0; at < query.length; at += 1) {
    const char = query.charCodeAt(at);
    if (queryChars[char] !== 1) return "a character in the query that must be encoded";
    if (char === 0x25) encoded = true;
  }
  if (!encoded) return null;
  const text = decodeQuery(query);
  if (text === null) return "a query that is not percent-encoded UTF-8";
  return text.includes("\0") ? "a NUL in the query" : null;
}

function decodeQuery(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The names in a parsed target's query, decoded as a form (`+` is a space), in order. */
export function queryNames(query: string): readonly string[] {
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const name = pair.split("=", 1)[0] ?? "";
      return decodeQuery(name.replaceAll("+", " ")) ?? name;
    });
}
