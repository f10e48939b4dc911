import { invariant } from "#core/result.ts";
import type { Method, Route } from "#core/routes.ts";

export interface RouteEntry {
  readonly route: Route;
  /** Its place in the table handed in, so that budgets can stand in arrays. */
  readonly index: number;
}

export type RouteMatch =
  | { readonly kind: "found"; readonly entry: RouteEntry }
  /** `allow` is the value of the Allow header (RFC 9110 §10.2.1). */
  | { readonly kind: "wrong-method"; readonly allow: string }
  | { readonly kind: "unknown" };

export interface RouteTable {
  readonly entries: readonly RouteEntry[];
  /** `segments` as parseTarget gives them. */
  match(method: string, segments: readonly string[]): RouteMatch;
}

/** Longest segment that a `:name` stands for, in characters. */
export const segmentChars = 128;

interface Node {
  readonly literal: Map<string, Node>;
  named: Node | null;
  leaf: Leaf | null;
}

interface Leaf {
  readonly methods: Map<string, RouteMatch>;
  wrong: RouteMatch;
}

const unknown: RouteMatch = { kind: "unknown" };
const emptyNode = (): Node => ({ literal: new Map(), named: null, leaf: null });

/**
 * Compiles the table to a trie. Where a literal and a `:name` both fit, the literal wins from the
 * left; the path so chosen then decides about the method. Throws when two routes say the same.
 */
export function compileRoutes(routes: readonly Route[]): RouteTable {
  const root = emptyNode();
  const entries = routes.map((route, index) => ({ route, index }));
  for (const entry of entries) {
    const node = nodeFor(root, entry.route.path);
    node.leaf ??= { methods: new Map(), wrong: unknown };
    for (const method of entry.route.methods) addMethod(node.leaf, method, entry);
  }
  return {
    entries,
    match(method, segments) {
      const leaf = find(root, segments, 0);
      if (leaf === null) return unknown;
      return leaf.methods.get(method) ?? leaf.wrong;
    },
  };
}

function nodeFor(root: Node, path: string): Node {
  let node = root;
  for (const segment of segmentsOf(path)) {
    if (segment.startsWith(":")) {
      node.named ??= emptyNode();
      node = node.named;
    } else {
      const next = node.literal.get(segment) ?? emptyNode();
      node.literal.set(segment, next);
      node = next;
    }
  }
  return node;
}

/** The segments of a declared path; "/" has none. */
export function segmentsOf(path: string): readonly string[] {
  invariant(path.startsWith("/"), `the declared path ${path} does not begin with /`);
  return path === "/" ? [] : path.slice(1).split("/");
}

function addMethod(leaf: Leaf, method: Method, entry: RouteEntry): void {
  invariant(!leaf.methods.has(method), `${method} ${entry.route.path} is declared twice`);
  leaf.methods.set(method, { kind: "found", entry });
  leaf.wrong = { kind: "wrong-method", allow: [...leaf.methods.keys()].join(", ") };
}

function find(node: Node, segments: readonly string[], at: number): Leaf | null {
  const segment = segments[at];
  if (segment === undefined) return node.leaf;
  const literal = node.literal.get(segment);
  const found = literal === undefined ? null : find(literal, segments, at + 1);
  if (found !== null) return found;
  if (node.named === null || segment === "" || segment.length > segmentChars) return null;
  return find(node.named, segments, at + 1);
}
