import type { AuditEntry } from "#core/audit-entry.ts";
import type { Clock } from "#core/clock.ts";
import { invariant } from "#core/result.ts";
import { createPause } from "#core/turns.ts";
import type { Database, Queryable } from "#storage/database.ts";
import { checkpointText } from "#audit/checkpoint.ts";
import type { Head } from "#audit/head.ts";
import { encodeLeaf } from "#audit/leaf.ts";
import { append, claimProofs, type Addition, type ProofRow } from "#audit/log-store.ts";
import { leafHash } from "#audit/merkle.ts";
import type { CheckpointSigner } from "#audit/note.ts";
import type { Submission } from "#audit/submission.ts";
import { grow, rootOf, type Tree } from "#audit/tree.ts";

export interface Leaf {
  readonly text: string;
  readonly hash: Buffer;
}

/** A submission on its way into a flush. */
export interface Item<W, R> {
  readonly submission: Submission<W, R>;
  /** Null while they depend on what the work comes to. */
  readonly leaves: readonly Leaf[] | null;
  readonly proof: ProofRow | null;
  /** Known already, from memory, to come with a used proof. */
  readonly replayed: boolean;
}

/** What became of one item: the indices of its leaves run from `from` on. */
export interface Written<R> {
  readonly replayed: boolean;
  readonly outcome: R | null;
  readonly from: number;
  readonly count: number;
}

export interface Flushed<R> {
  readonly tree: Tree;
  /** One for each item, in order. */
  readonly written: readonly Written<R>[];
}

export interface FlushDeps<W, R> {
  readonly db: Database;
  readonly signer: CheckpointSigner;
  readonly clock: Clock;
  readonly alongside: (tx: Queryable, works: readonly W[]) => Promise<readonly R[]>;
}

function leafOf(entry: AuditEntry): Leaf {
  const text = encodeLeaf(entry);
  return { text, hash: leafHash(text) };
}

export function leavesOf(entries: readonly AuditEntry[]): readonly Leaf[] {
  return entries.map(leafOf);
}

/** The same where they may be tens of thousands: others get their turn in between. */
async function leavesInTurns(
  entries: readonly AuditEntry[],
  clock: Clock,
): Promise<readonly Leaf[]> {
  const pause = createPause(clock);
  const leaves: Leaf[] = [];
  for (const entry of entries) {
    leaves.push(leafOf(entry));
    await pause();
  }
  return leaves;
}

/** What is logged in place of an answer whose proof was used before: the same request, denied. */
export function replayLeaves<W, R>({ entries }: Submission<W, R>): readonly Leaf[] {
  const denied = entries(null).map((entry): AuditEntry => ({
    ...entry,
    decision: "deny",
    reasons: ["proof-replayed"],
    count: 0,
    ciphertextHash: null,
  }));
  return leavesOf(denied);
}

interface Planned<R> extends Omit<Written<R>, "from" | "count"> {
  readonly leaves: readonly Leaf[];
}

function plan<R>(
  { lease, tree }: Head,
  items: readonly Planned<R>[],
  signer: CheckpointSigner,
): { addition: Addition; flushed: Flushed<R> } {
  const leaves = items.flatMap((item) => item.leaves);
  const leafHashes = leaves.map((leaf) => leaf.hash);
  const grown = grow(tree, leafHashes);
  const { size } = grown.tree;
  const text = checkpointText({ origin: signer.name, size, root: rootOf(grown.tree) });
  let from = tree.size;
  const written = items.map(({ replayed, outcome, leaves: own }) => {
    const place = { replayed, outcome, from, count: own.length };
    from += own.length;
    return place;
  });
  return {
    addition: {
      lease,
      from: tree.size,
      leaves: leaves.map((leaf) => leaf.text),
      leafHashes,
      tiles: grown.tiles,
      size,
      note: signer.sign(text),
    },
    flushed: { tree: grown.tree, written },
  };
}

const hasWork = <W, R>({ submission }: Item<W, R>): boolean => submission.work !== undefined;

const proofsOf = <W, R>(items: readonly Item<W, R>[]): readonly ProofRow[] =>
  items.flatMap(({ proof }) => (proof === null ? [] : [proof]));

function usedProof(error: unknown): boolean {
  return error instanceof Error && "constraint" in error && error.constraint === "used_proof_pkey";
}

/** Nothing but entries: one statement, which commits by itself. Null when the lease was lost. */
async function flushEntries<W, R>(
  { db, signer }: FlushDeps<W, R>,
  head: Head,
  items: readonly Item<W, R>[],
): Promise<Flushed<R> | null> {
  const planned = items.map(({ leaves, replayed }) => ({
    leaves: leaves ?? [],
    replayed,
    outcome: null,
  }));
  const { addition, flushed } = plan<R>(head, planned, signer);
  return (await append(db, addition, proofsOf(items))) ? flushed : null;
}

/** The outcome of each item's work, by item; only items whose proof is fresh are worked on. */
async function doWorks<W, R>(
  tx: Queryable,
  items: readonly Item<W, R>[],
  alongside: FlushDeps<W, R>["alongside"],
): Promise<ReadonlyMap<Item<W, R>, R>> {
  const working = items.filter(hasWork);
  const works = working.flatMap(({ submission }) =>
    submission.work === undefined ? [] : [submission.work],
  );
  if (works.length === 0) return new Map();
  const outcomes = await alongside(tx, works);
  invariant(outcomes.length === works.length, "each work has its outcome");
  return new Map(
    working.map((item, at) => {
      const outcome = outcomes[at];
      invariant(outcome !== undefined, "each work has its outcome");
      return [item, outcome];
    }),
  );
}

/** Proofs, works and entries in one transaction. Null when the lease was lost. */
async function flushWorks<W, R>(
  { db, signer, clock, alongside }: FlushDeps<W, R>,
  head: Head,
  items: readonly Item<W, R>[],
): Promise<Flushed<R> | null> {
  return db.transaction(async (tx) => {
    const fresh = await claimProofs(tx, head.lease, proofsOf(items));
    if (fresh === null) return null;
    const used = ({ proof, replayed }: Item<W, R>): boolean =>
      replayed || (proof !== null && !fresh.some((digest) => digest.equals(proof.digest)));
    const replays = new Set(items.filter(used));
    const honest = items.filter((item) => !replays.has(item));
    const outcomes = await doWorks(tx, honest, alongside);
    const planned: Planned<R>[] = [];
    for (const item of items) {
      const outcome = replays.has(item) ? null : (outcomes.get(item) ?? null);
      const leaves = replays.has(item)
        ? replayLeaves(item.submission)
        : (item.leaves ?? (await leavesInTurns(item.submission.entries(outcome), clock)));
      planned.push({ leaves, replayed: replays.has(item), outcome });
    }
    const { addition, flushed } = plan(head, planned, signer);
    invariant(await append(tx, addition, []), "a lease held by a transaction is not lost in it");
    return flushed;
  });
}

/**
 * Makes a batch durable at the head, all or nothing. Null when another writer took the lease.
 * Throws what the database or `alongside` threw; nothing was written then, unless the connection
 * was lost while committing.
 */
export async function flush<W, R>(
  deps: FlushDeps<W, R>,
  head: Head,
  items: readonly Item<W, R>[],
): Promise<Flushed<R> | null> {
  if (items.some(hasWork)) return flushWorks(deps, head, items);
  try {
    return await flushEntries(deps, head, items);
  } catch (error) {
    // Which of the proofs was used is only found out in a transaction.
    if (usedProof(error)) return flushWorks(deps, head, items);
    throw error;
  }
}
