import { invariant } from "#core/result.ts";
import { emptyRoot, nodeHash, rootOfNodes } from "#audit/merkle.ts";
import { tileHeight, tileWidth, type Tile } from "#audit/tile.ts";

/** The right edge of a growing tree: all that is needed to append to it and to give its root. */
export interface Tree {
  readonly size: number;
  /** At height h the one complete subtree of 2^h leaves that has no sibling yet, if there is one. */
  readonly frontier: readonly (Buffer | null)[];
  /** For each tile level the hashes of its tile that is not full yet. */
  readonly edges: readonly (readonly Buffer[])[];
}

export const emptyTree: Tree = { size: 0, frontier: [], edges: [] };

export interface Grown {
  readonly tree: Tree;
  /** Tiles that became full. */
  readonly tiles: readonly Tile[];
}

/** The tree with these leaf hashes added; the one given stays as it is. */
export function grow(tree: Tree, leafHashes: readonly Buffer[]): Grown {
  const frontier = [...tree.frontier];
  const edges = tree.edges.map((edge) => [...edge]);
  const tiles: Tile[] = [];
  let { size } = tree;

  /** Puts a complete subtree on the tile level it belongs to. */
  const place = (height: number, node: Buffer): void => {
    const level = height / tileHeight;
    const edge = (edges[level] ??= []);
    edge.push(node);
    if (edge.length < tileWidth) return;
    edges[level] = [];
    const index = Math.floor((size - 1) / tileWidth ** (level + 1));
    tiles.push({ level, index, hashes: edge });
  };

  for (const leaf of leafHashes) {
    size += 1;
    let [height, node] = [0, leaf];
    for (;;) {
      if (height % tileHeight === 0) place(height, node);
      const sibling = frontier[height] ?? null;
      if (sibling === null) break;
      frontier[height] = null;
      node = nodeHash(sibling, node);
      height += 1;
    }
    frontier[height] = node;
  }
  return { tree: { size, frontier, edges }, tiles };
}

/** RFC 9162 §2.1.1: the Merkle tree hash. */
export function rootOf({ frontier }: Tree): Buffer {
  let root: Buffer | null = null;
  for (const node of frontier) {
    if (node === null) continue;
    root = root === null ? node : nodeHash(node, root);
  }
  return root ?? emptyRoot;
}

/** The tree whose partial tiles these are; throws when there are not as many hashes as the size says. */
export function treeFromEdges(size: number, edges: readonly (readonly Buffer[])[]): Tree {
  const frontier: (Buffer | null)[] = [];
  edges.forEach((edge, level) => {
    const width = Math.floor(size / tileWidth ** level) % tileWidth;
    invariant(edge.length === width, "a partial tile is as wide as the tree's size says");
    let at = 0;
    for (let bit = tileHeight - 1; bit >= 0; bit -= 1) {
      const span = 2 ** bit;
      const present = Math.floor(width / span) % 2 === 1;
      const height = level * tileHeight + bit;
      frontier[height] = present ? rootOfNodes(edge.slice(at, at + span)) : null;
      if (present) at += span;
    }
  });
  return { size, frontier, edges };
}
