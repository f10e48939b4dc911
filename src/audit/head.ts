import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Database, Queryable } from "#storage/database.ts";
import { checkpointText, parseCheckpoint } from "#audit/checkpoint.ts";
import {
  append,
  readLeafHashes,
  readTail,
  readTiles,
  retakeLease,
  takeLease,
  type Lease,
} from "#audit/log-store.ts";
import { hashBytes, rootOfNodes } from "#audit/merkle.ts";
import type { CheckpointSigner } from "#audit/note.ts";
import { nodesAtLevel, parseTile, tileWidth } from "#audit/tile.ts";
import { emptyTree, rootOf, treeFromEdges, type Tree } from "#audit/tree.ts";

/** Where a writer stands: its lease, and the tree that the next entries are added to. */
export interface Head {
  readonly lease: Lease;
  readonly tree: Tree;
}

/** The partial tile of each level: leaf hashes at the foot, hashes of full tiles above. */
async function readEdges(tx: Queryable, logId: number, size: number) {
  const edges: (readonly Buffer[])[] = [await readLeafHashes(tx, logId, size - (size % tileWidth))];
  for (let level = 1; nodesAtLevel(size, level) > 0; level += 1) {
    const nodes = nodesAtLevel(size, level);
    const below = { logId, level: level - 1, from: nodes - (nodes % tileWidth) };
    const tiles = await readTiles(tx, below);
    edges.push(tiles.map((bytes) => rootOfNodes(parseTile(bytes) ?? [])));
  }
  return edges;
}

function damaged(detail: string) {
  return refuse("audit-unavailable", { detail: `The log is damaged: ${detail}. Verify it.` });
}

/**
 * Rebuilds the tree's right edge and holds it against the newest checkpoint. A log whose tail was
 * tampered with is not written on: what is added would seem to vouch for it.
 */
async function readTree(tx: Queryable, logId: number, origin: string): Promise<Result<Tree>> {
  const { entries, note } = await readTail(tx, logId);
  if (note === null) return entries === 0 ? ok(emptyTree) : damaged("it has no checkpoint");
  const checkpoint = parseCheckpoint(note);
  if (checkpoint === null || checkpoint.origin !== origin)
    return damaged("its newest checkpoint cannot be read");
  const { size, root } = checkpoint;
  if (size !== entries) return damaged(`it has ${entries} entries where ${size} were signed`);
  const edges = await readEdges(tx, logId, size);
  const whole = edges.every(
    (edge, level) =>
      edge.length === nodesAtLevel(size, level) % tileWidth &&
      edge.every((node) => node.length === hashBytes),
  );
  if (!whole) return damaged("entries or tiles are missing");
  const tree = treeFromEdges(size, edges);
  return rootOf(tree).equals(root) ? ok(tree) : damaged("its newest entries were changed");
}

async function beginLog(
  tx: Queryable,
  { lease, tree }: Head,
  signer: CheckpointSigner,
): Promise<void> {
  const { note } = await readTail(tx, lease.logId);
  if (note !== null) return;
  const text = checkpointText({ origin: signer.name, size: 0, root: rootOf(tree) });
  const first = { from: 0, leaves: [], leafHashes: [], tiles: [], size: 0 };
  await append(tx, { lease, ...first, note: signer.sign(text) }, []);
}

/**
 * Takes over a log: from now on every other writer of it is fenced off. Fails as audit-unavailable
 * when the origin is another database role's, or the log's end is not what was signed.
 */
export async function takeOver(
  db: Database,
  signer: CheckpointSigner,
  holder: string,
): Promise<Result<Head>> {
  return db.transaction(async (tx): Promise<Result<Head>> => {
    const lease = await takeLease(tx, signer.name, holder);
    if (lease === null)
      return refuse("audit-unavailable", { detail: "This log belongs to another process." });
    const tree = await readTree(tx, lease.logId, signer.name);
    if (!tree.ok) return tree;
    const head = { lease, tree: tree.value };
    await beginLog(tx, head, signer);
    return ok(head);
  });
}

/**
 * Finds out where the log stands after a flush whose outcome is not known. Null when another
 * writer took over.
 */
export async function recover(
  db: Database,
  signer: CheckpointSigner,
  held: { readonly logId: number; readonly holder: string },
): Promise<Result<Head> | null> {
  return db.transaction(async (tx): Promise<Result<Head> | null> => {
    const lease = await retakeLease(tx, held.logId, held.holder);
    if (lease === null) return null;
    const tree = await readTree(tx, lease.logId, signer.name);
    return tree.ok ? ok({ lease, tree: tree.value }) : tree;
  });
}
