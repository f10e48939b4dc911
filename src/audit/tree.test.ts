import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { leafHash, rootOfNodes } from "#audit/merkle.ts";
import { tileWidth } from "#audit/tile.ts";
import { emptyTree, grow, rootOf, treeFromEdges, type Tree } from "#audit/tree.ts";

const hashes = (count: number): readonly Buffer[] =>
  Array.from({ length: count }, (_, index) => leafHash(`leaf ${index}`));
const many = hashes(66_000);

function growBySteps(steps: readonly number[]): Tree {
  let tree = emptyTree;
  for (const step of steps) tree = grow(tree, many.slice(tree.size, tree.size + step)).tree;
  return tree;
}

test("for all ways to grow, the root is that of the leaves taken at once", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(90), { maxLength: 12 }), (steps) => {
      const tree = growBySteps(steps);
      assert.deepEqual(rootOf(tree), rootOfNodes(many.slice(0, tree.size)));
    }),
  );
});

test("growing leaves the tree it grew from as it was", () => {
  const before = growBySteps([300]);
  const root = rootOf(before);
  grow(before, many.slice(300, 900));
  assert.equal(before.size, 300);
  assert.deepEqual(rootOf(before), root);
  assert.deepEqual(
    rootOf(grow(before, many.slice(300, 301)).tree),
    rootOfNodes(many.slice(0, 301)),
  );
});

test("a tile is given once, when its last hash is there, with the hashes in order", () => {
  const first = grow(emptyTree, many.slice(0, 255));
  assert.deepEqual(first.tiles, []);
  const second = grow(first.tree, many.slice(255, 600));
  assert.deepEqual(
    second.tiles.map(({ level, index }) => [level, index]),
    [
      [0, 0],
      [0, 1],
    ],
  );
  assert.deepEqual(second.tiles[1]?.hashes, many.slice(256, 512));
});

test("the tile above is full with the last of its 256 tiles and holds their roots", () => {
  const { tiles } = grow(emptyTree, many.slice(0, tileWidth * tileWidth));
  const above = tiles.filter((tile) => tile.level === 1);
  assert.deepEqual(
    above.map(({ index, hashes }) => [index, hashes.length]),
    [[0, tileWidth]],
  );
  assert.deepEqual(above[0]?.hashes[3], rootOfNodes(many.slice(3 * tileWidth, 4 * tileWidth)));
  assert.equal(tiles.filter((tile) => tile.level === 0).length, tileWidth);
});

test("a tree made again from its edges goes on as if it had never stopped", () => {
  for (const size of [0, 1, 255, 256, 257, 1_000, 65_535, 65_536, 65_537]) {
    const tree = grow(emptyTree, many.slice(0, size)).tree;
    const again = treeFromEdges(size, tree.edges);
    assert.deepEqual(rootOf(again), rootOf(tree), `size ${size}`);
    const more = many.slice(size, size + 300);
    assert.deepEqual(rootOf(grow(again, more).tree), rootOf(grow(tree, more).tree));
    assert.deepEqual(grow(again, more).tiles, grow(tree, more).tiles);
  }
});

test("edges that do not fit the size are no tree", () => {
  assert.throws(() => treeFromEdges(3, [many.slice(0, 2)]));
});
