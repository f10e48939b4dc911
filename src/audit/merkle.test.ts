import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOfNodes,
  verifyConsistency,
  verifyInclusion,
  type NodeReader,
} from "#audit/merkle.ts";

interface Vectors {
  readonly leaves: readonly string[];
  readonly emptyRoot: string;
  readonly roots: readonly string[];
  readonly inclusion: readonly { index: number; size: number; path: string[] }[];
  readonly consistency: readonly { first: number; second: number; path: string[] }[];
}

const vectors = JSON.parse(
  readFileSync(new URL("../../testdata/rfc6962/trees.json", import.meta.url), "utf8"),
) as Vectors;
const fromHex = (text: string): Buffer => Buffer.from(text, "hex");
const toHex = (bytes: Buffer): string => bytes.toString("hex");
const vectorHashes = vectors.leaves.map((leaf) => leafHash(fromHex(leaf)));

// The definitions of RFC 6962 §2.1, word by word and slow.
const sha256 = (...parts: readonly Buffer[]): Buffer =>
  hash("sha256", Buffer.concat(parts), "buffer");

function largestPowerBelow(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

function naiveRoot(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), first);
  const k = largestPowerBelow(leaves.length);
  return sha256(Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

function naivePath(m: number, leaves: readonly Buffer[]): readonly Buffer[] {
  if (leaves.length <= 1) return [];
  const k = largestPowerBelow(leaves.length);
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
}

function naiveSubproof(m: number, leaves: readonly Buffer[], known: boolean): readonly Buffer[] {
  if (m === leaves.length) return known ? [] : [naiveRoot(leaves)];
  const k = largestPowerBelow(leaves.length);
  return m <= k
    ? [...naiveSubproof(m, leaves.slice(0, k), known), naiveRoot(leaves.slice(k))]
    : [...naiveSubproof(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
}

function nodesOver(leaves: readonly Buffer[]): NodeReader {
  return (height, index) => {
    const width = 2 ** height;
    assert.ok((index + 1) * width <= leaves.length, "only complete subtrees are asked for");
    return naiveRoot(leaves.slice(index * width, (index + 1) * width));
  };
}

const someLeaves = fc.array(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  { minLength: 1, maxLength: 70 },
);

test("the roots of the reference trees come out", () => {
  assert.equal(toHex(emptyRoot), vectors.emptyRoot);
  vectors.roots.forEach((root, at) => {
    assert.equal(toHex(rootOfNodes(vectorHashes.slice(0, at + 1))), root);
  });
});

test("the inclusion proofs of the reference trees come out and verify", () => {
  const leaves = vectors.leaves.map(fromHex);
  for (const { index, size, path } of vectors.inclusion) {
    const made = inclusionProof(index, size, nodesOver(leaves.slice(0, size)));
    assert.deepEqual(made.map(toHex), path);
    const claim = { leafHash: vectorHashes[index] ?? emptyRoot, index, size, path: made };
    assert.ok(verifyInclusion({ ...claim, root: fromHex(vectors.roots[size - 1] ?? "") }));
  }
});

test("the consistency proofs of the reference trees come out and verify", () => {
  const leaves = vectors.leaves.map(fromHex);
  for (const { first, second, path } of vectors.consistency) {
    const made = consistencyProof(first, second, nodesOver(leaves.slice(0, second)));
    assert.deepEqual(made.map(toHex), path);
    const firstRoot = fromHex(vectors.roots[first - 1] ?? "");
    const secondRoot = fromHex(vectors.roots[second - 1] ?? "");
    assert.ok(verifyConsistency({ first, firstRoot, second, secondRoot, path: made }));
  }
});

test("for all leaves, the root is that of the RFC's recursive definition", () => {
  fc.assert(
    fc.property(someLeaves, (leaves) => {
      assert.deepEqual(rootOfNodes(leaves.map(leafHash)), naiveRoot(leaves));
    }),
  );
});

test("a leaf's text hashes as its UTF-8 bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      assert.deepEqual(leafHash(text), leafHash(Buffer.from(text)));
    }),
  );
});

test("a leaf that holds two hashes is not taken for their node", () => {
  const [left, right] = [leafHash("a"), leafHash("b")];
  assert.notDeepEqual(leafHash(Buffer.concat([left, right])), nodeHash(left, right));
});

test("for all trees and leaves, the inclusion proof is the RFC's and proves that leaf alone", () => {
  fc.assert(
    fc.property(someLeaves, fc.nat(), fc.nat(), (leaves, pick, other) => {
      const [index, size] = [pick % leaves.length, leaves.length];
      const path = inclusionProof(index, size, nodesOver(leaves));
      assert.deepEqual(path, naivePath(index, leaves));
      const root = naiveRoot(leaves);
      const claim = { leafHash: leafHash(leaves[index] ?? ""), index, size, root, path };
      assert.ok(verifyInclusion(claim));
      assert.ok(!verifyInclusion({ ...claim, leafHash: leafHash("not in the tree".repeat(4)) }));
      assert.ok(!verifyInclusion({ ...claim, path: [...path, root] }));
      assert.ok(!verifyInclusion({ ...claim, index: size }));
      // At an equal leaf beside it, the same path is a true proof.
      const elsewhere = other % size;
      const isTwin = leaves[index]?.equals(leaves[elsewhere] ?? Buffer.alloc(0)) === true;
      if (!isTwin) assert.ok(!verifyInclusion({ ...claim, index: elsewhere }));
    }),
  );
});

test("for all trees, the consistency proof is the RFC's and proves that beginning alone", () => {
  fc.assert(
    fc.property(someLeaves, fc.nat(), (leaves, pick) => {
      const second = leaves.length;
      const first = 1 + (pick % second);
      const path = consistencyProof(first, second, nodesOver(leaves));
      assert.deepEqual(path, naiveSubproof(first, leaves, true));
      const firstRoot = naiveRoot(leaves.slice(0, first));
      const claim = { first, firstRoot, second, secondRoot: naiveRoot(leaves), path };
      assert.ok(verifyConsistency(claim));
      const stranger = leafHash("another tree");
      assert.ok(!verifyConsistency({ ...claim, firstRoot: stranger }));
      assert.ok(!verifyConsistency({ ...claim, secondRoot: stranger }));
      assert.ok(!verifyConsistency({ ...claim, path: [...path, stranger] }));
    }),
  );
});

test("the empty tree is the beginning of every tree, and no tree that of a smaller one", () => {
  const root = leafHash("a");
  const claim = { first: 0, firstRoot: emptyRoot, second: 1, secondRoot: root, path: [] };
  assert.ok(verifyConsistency(claim));
  assert.ok(!verifyConsistency({ ...claim, firstRoot: root }));
  assert.ok(!verifyConsistency({ ...claim, first: 2 }));
});
