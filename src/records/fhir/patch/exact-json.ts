import { scanJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { isObject } from "#records/fhir/json-value.ts";

/**
 * JSON as a tree that can be changed, its numbers kept as they were written: each is a string that
 * begins with U+0000, which no string of FHIR may hold. 1.10 stays 1.10 whatever is changed beside it.
 */
export type Exact = null | boolean | string | Exact[] | ExactObject;
export interface ExactObject {
  [key: string]: Exact;
}

const mark = "\u0000";

/** What JSON.parse tells a reviver of a primitive: its text, as it was written. */
function sourceOf(context: unknown): string {
  return isObject(context) && typeof context.source === "string" ? context.source : "";
}

/** Fails as scanJson does, and as "json-broken" when a string holds U+0000. */
export function parseExact(text: string): Result<Exact> {
  const scanned = scanJson(text, limits.jsonDepth);
  if (!scanned.ok) return scanned;
  let hasMark = false;
  const tree: unknown = JSON.parse(text, (key: string, value: unknown, ...more: unknown[]) => {
    if (typeof value === "number") return mark + sourceOf(more[0]);
    hasMark ||= key.includes(mark) || (typeof value === "string" && value.includes(mark));
    return value;
  });
  return hasMark
    ? refuse("json-broken", { detail: "A string holds a character that none may hold." })
    : ok(tree as Exact);
}

/** The tree as JSON text, its numbers as they were written. */
export function writeExact(tree: Exact): string {
  return JSON.stringify(tree).replace(/"\\u0000([-+.0-9eE]+)"/g, "$1");
}

/** The tree as JSON.parse would have given it. */
export function plainOf(tree: Exact): unknown {
  if (typeof tree === "string") return tree.startsWith(mark) ? Number(tree.slice(1)) : tree;
  if (Array.isArray(tree)) return tree.map(plainOf);
  if (tree === null || typeof tree === "boolean") return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, plainOf(value)]));
}

export function isExactObject(tree: Exact | undefined): tree is ExactObject {
  return typeof tree === "object" && tree !== null && !Array.isArray(tree);
}
