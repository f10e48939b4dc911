import type { AuditEntry } from "#core/audit-entry.ts";
import type { Clock } from "#core/clock.ts";
import { BrokenInvariant, invariant } from "#core/result.ts";
import { createPause } from "#core/turns.ts";
import type { Database, Queryable, Transaction } from "#storage/database.ts";
import { checkpointText } from "#audit/checkpoint.ts";
import { encodeLeaf } from "#audit/leaf.ts";
import {
  append,
  appending,
  claimProofs,
  type Addition,
  type Lease,
  type ProofRow,
} from "#audit/log-store.ts";
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

/** A batch's place among those that are on their way. */
export interface Order {
  /** The tree to add to, once the batch before has ended; null when that one was not written. */
  readonly turn: () => Promise<Tree | null>;
  /** Called when the batch holds all it needs, and only has to become durable. */
  readonly sent: () => void;
}

/** Thrown when the batch before was not written: of this one nothing was kept. */
export class Overtaken extends Error {
  override readonly name = "Overtaken";
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
  { lease, tree }: { readonly lease: Lease; readonly tree: Tree },
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

async function treeInTurn({ turn }: Order): Promise<Tree> {
  const tree = await turn();
  if (tree === null) throw new Overtaken();
  return tree;
}

/** Nothing but entries: one statement, which commits by itself. Null when the lease was lost. */
async function flushEntries<W, R>(
  { db, signer }: FlushDeps<W, R>,
  lease: Lease,
  items: readonly Item<W, R>[],
  order: Order,
): Promise<Flushed<R> | null> {
  const planned = items.map(({ leaves, replayed }) => ({
    leaves: leaves ?? [],
    replayed,
    outcome: null,
  }));
  const tree = await treeInTurn(order);
  const { addition, flushed } = plan<R>({ lease, tree }, planned, signer);
  order.sent();
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

/** Ends a transaction of which nothing shall be kept. */
class Abandoned extends Error {
  readonly why: "lease-lost" | "proof-used";

  constructor(why: Abandoned["why"]) {
    super(`abandoned: ${why}`);
    this.why = why;
  }
}

/** Both values when both have ended, for neither may go on in a transaction that the other broke. */
async function bothEnded<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([one, other]);
  if (first.status === "rejected") throw first.reason;
  if (second.status === "rejected") throw second.reason;
  return [first.value, second.value];
}

interface Working<W, R> {
  readonly lease: Lease;
  readonly items: readonly Item<W, R>[];
  readonly order: Order;
  /** Whether the works wait until it is known which proofs are fresh. */
  readonly claimFirst: boolean;
}

/**
 * Proofs, works and entries in one transaction. Works that do not wait for the claim are abandoned
 * with it when the lease was lost or a proof had been used.
 */
async function tryWorks<W, R>(
  { db, signer, clock, alongside }: FlushDeps<W, R>,
  { lease, items, order, claimFirst }: Working<W, R>,
): Promise<Flushed<R>> {
  const work = async (tx: Transaction): Promise<Flushed<R>> => {
    const proofs = proofsOf(items);
    const claim = claimProofs(tx, lease, proofs);
    const known = claimFirst ? await claim : proofs.map(({ digest }) => digest);
    if (known === null) throw new Abandoned("lease-lost");
    const used = ({ proof, replayed }: Item<W, R>): boolean =>
      replayed || (proof !== null && !known.some((digest) => digest.equals(proof.digest)));
    const replays = new Set(items.filter(used));
    const honest = items.filter((item) => !replays.has(item));
    const [fresh, outcomes] = await bothEnded(claim, doWorks(tx, honest, alongside));
    if (fresh === null) throw new Abandoned("lease-lost");
    if (fresh.length < known.length) throw new Abandoned("proof-used");
    const planned: Planned<R>[] = [];
    for (const item of items) {
      const outcome = replays.has(item) ? null : (outcomes.get(item) ?? null);
      const leaves = replays.has(item)
        ? replayLeaves(item.submission)
        : (item.leaves ?? (await leavesInTurns(item.submission.entries(outcome), clock)));
      planned.push({ leaves, replayed: replays.has(item), outcome });
    }
    const tree = await treeInTurn(order);
    const { addition, flushed } = plan({ lease, tree }, planned, signer);
    // The claim holds the lease until the end, so that the entries cannot be without it.
    tx.last(appending(addition));
    order.sent();
    return flushed;
  };
  return db.transaction(work);
}

/** Null when the lease was lost. */
async function flushWorks<W, R>(
  deps: FlushDeps<W, R>,
  working: Working<W, R>,
): Promise<Flushed<R> | null> {
  try {
    return await tryWorks(deps, working);
  } catch (error) {
    if (!(error instanceof Abandoned)) throw error;
    if (error.why === "lease-lost") return null;
    if (working.claimFirst) throw new BrokenInvariant("proofs that were claimed stay so");
    return flushWorks(deps, { ...working, claimFirst: true });
  }
}

/**
 * Makes a batch durable in its turn, all or nothing. What it can do before, it does while the batch
 * before is still becoming durable. Null when another writer took the lease. Throws Overtaken, and
 * what the database or `alongside` threw; nothing was written then, unless the connection was lost
 * while committing.
 */
export async function flush<W, R>(
  deps: FlushDeps<W, R>,
  lease: Lease,
  items: readonly Item<W, R>[],
  order: Order,
): Promise<Flushed<R> | null> {
  const working = { lease, items, order, claimFirst: false };
  if (items.some(hasWork)) return flushWorks(deps, working);
  try {
    return await flushEntries(deps, lease, items, order);
  } catch (error) {
    // Which of the proofs was used is only found out in a transaction.
    if (usedProof(error)) return flushWorks(deps, { ...working, claimFirst: true });
    throw error;
  }
}
