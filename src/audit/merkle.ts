import { hash } from "node:crypto";

export const hashBytes = 32;

/** RFC 9162 §2.1.1: the hash of no leaves. */
export const emptyRoot: Buffer = hash("sha256", "", "buffer");

/** RFC 9162 §2.1.1: 0x00 in front keeps a leaf from posing as a node. `leaf` is hashed as UTF-8. */
export function leafHash(leaf: string | Buffer): Buffer {
  if (typeof leaf === "string") return hash("sha256", `\0${leaf}`, "buffer");
  const bytes = Buffer.allocUnsafe(1 + leaf.length);
  bytes[0] = 0x00;
  leaf.copy(bytes, 1);
  return hash("sha256", bytes, "buffer");
}

/** RFC 9162 §2.1.1: 0x01 in front marks a node. */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 2 * hashBytes);
  bytes[0] = 0x01;
  left.copy(bytes, 1);
  right.copy(bytes, 1 + hashBytes);
  return hash("sha256", bytes, "buffer");
}

/** The root over nodes of one height, of which there are one or more. */
export function rootOfNodes(nodes: readonly Buffer[]): Buffer {
  let row = nodes;
  while (row.length > 1) row = pairUp(row);
  return row[0] ?? emptyRoot;
}

/** An odd node at the end rises as it is, which gives the same tree as splitting at powers of two. */
function pairUp(row: readonly Buffer[]): readonly Buffer[] {
  const above: Buffer[] = [];
  for (let at = 0; at < row.length; at += 2) {
    const [left, right] = [row[at], row[at + 1]];
    if (left !== undefined) above.push(right === undefined ? left : nodeHash(left, right));
  }
  return above;
}

/** The hash of the complete subtree of 2^height leaves, the index-th of its height. */
export type NodeReader = (height: number, index: number) => Buffer;

/** The largest power of two smaller than n, for n of 2 or more (k of RFC 9162 §2.1.1). */
function splitPoint(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1));
}

/** The hash over leaves [start, end). `start` must be a multiple of the power of two not below its width. */
function rangeHash(start: number, end: number, node: NodeReader): Buffer {
  const width = end - start;
  const height = Math.log2(width);
  if (Number.isInteger(height)) return node(height, start / width);
  const split = start + splitPoint(width);
  return nodeHash(rangeHash(start, split, node), rangeHash(split, end, node));
}

/** RFC 9162 §2.1.3.1: the hashes that lead from leaf `index` to the root of `size` leaves. */
export function inclusionProof(index: number, size: number, node: NodeReader): readonly Buffer[] {
  const path: Buffer[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const split = start + splitPoint(end - start);
    if (index < split) {
      path.unshift(rangeHash(split, end, node));
      end = split;
    } else {
      path.unshift(rangeHash(start, split, node));
      start = split;
    }
  }
  return path;
}

/** RFC 9162 §2.1.4.1: the hashes that show the tree of `first` leaves to be the beginning of that of `second`. */
export function consistencyProof(
  first: number,
  second: number,
  node: NodeReader,
): readonly Buffer[] {
  if (first === 0 || first === second) return [];
  const path: Buffer[] = [];
  let [start, end] = [0, second];
  while (end !== first) {
    const split = start + splitPoint(end - start);
    if (first <= split) {
      path.unshift(rangeHash(split, end, node));
      end = split;
    } else {
      path.unshift(rangeHash(start, split, node));
      start = split;
    }
  }
  // When the old tree is one complete subtree from the left, the verifier knows its hash already.
  return start === 0 ? path : [rangeHash(start, end, node), ...path];
}

export interface InclusionClaim {
  readonly leafHash: Buffer;
  readonly index: number;
  readonly size: number;
  readonly root: Buffer;
  readonly path: readonly Buffer[];
}

const isOdd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

/** RFC 9162 §2.1.3.2. */
export function verifyInclusion({ leafHash, index, size, root, path }: InclusionClaim): boolean {
  if (index < 0 || index >= size) return false;
  let [at, last, running] = [index, size - 1, leafHash];
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      running = nodeHash(sibling, running);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else running = nodeHash(running, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && running.equals(root);
}

export interface ConsistencyClaim {
  readonly first: number;
  readonly firstRoot: Buffer;
  readonly second: number;
  readonly secondRoot: Buffer;
  readonly path: readonly Buffer[];
}

/** RFC 9162 §2.1.4.2; a tree of no leaves is the beginning of every tree. */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { first, firstRoot, second, secondRoot } = claim;
  if (first > second || first < 0) return false;
  if (first === second) return claim.path.length === 0 && firstRoot.equals(secondRoot);
  if (first === 0) return claim.path.length === 0 && firstRoot.equals(emptyRoot);
  const path = Number.isInteger(Math.log2(first)) ? [firstRoot, ...claim.path] : claim.path;
  const [seed, ...rest] = path;
  if (seed === undefined) return false;
  let [at, last] = [first - 1, second - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  let [oldRoot, newRoot] = [seed, seed];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      [oldRoot, newRoot] = [nodeHash(sibling, oldRoot), nodeHash(sibling, newRoot)];
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else newRoot = nodeHash(newRoot, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && oldRoot.equals(firstRoot) && newRoot.equals(secondRoot);
}
