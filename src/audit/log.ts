import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "#core/clock.ts";
import { refuse, type ProblemCode } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { BrokenInvariant, ok, unreachable, type Result } from "#core/result.ts";
import type { Database, Queryable } from "#storage/database.ts";
import { attempt, storageProblem } from "#storage/storage-problem.ts";
import {
  flush,
  leavesOf,
  replayLeaves,
  type Flushed,
  type Item,
  type Order,
  type Written,
} from "#audit/flush.ts";
import { recover, takeOver, type Head } from "#audit/head.ts";
import { auditLimits } from "#audit/limits.ts";
import { forgetProofs } from "#audit/log-store.ts";
import type { CheckpointSigner } from "#audit/note.ts";
import { createSeenProofs, proofDigest, type SeenProofs } from "#audit/seen-proofs.ts";
import type { Accepted, Submission } from "#audit/submission.ts";

export type { Accepted, LeafPlace, Submission } from "#audit/submission.ts";

export interface Log<W, R> {
  /**
   * Resolves when entries and work are durable. Fails as audit-unavailable (no work) or
   * storage-unavailable (work) when the database does not serve, is overloaded or another writer
   * took over; as storage-full; as proof-replayed when the denial is durable; as edit-conflict when
   * the work lost against another transaction. After audit-unavailable and storage-unavailable it
   * may yet have been written. Rejects when `entries` or `alongside` throws anything else.
   */
  submit(submission: Submission<W, R>): Promise<Result<Accepted<R>>>;
  /** Takes nothing more, and resolves when what waits is durable or has failed. */
  close(): Promise<void>;
}

export interface LogDeps<W, R> {
  /** A pool of the log's own: a flush must not wait for connections that others hold. */
  readonly db: Database;
  /** Names the log; the signer must be of the same name. */
  readonly origin: string;
  readonly signer: CheckpointSigner;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Writes works of one batch and answers an outcome for each, in order. When it throws, the batch
   * is rolled back and each submission tried alone, so that a bad one fails by itself.
   */
  readonly alongside?: (tx: Queryable, works: readonly W[]) => Promise<readonly R[]>;
  /**
   * Whether works may be done before those of the batch ahead are durable: when they neither read
   * nor write anything that these have written. Without it, none are.
   */
  readonly independent?: (works: readonly W[], ahead: readonly W[]) => boolean;
}

interface Waiting<W, R> extends Item<W, R> {
  readonly settle: (result: Result<Accepted<R>>) => void;
  readonly fail: (error: unknown) => void;
}

/** The writer's state; `head` is null when it must be read anew, after a flush of unknown outcome. */
interface Writer<W, R> {
  readonly deps: Required<LogDeps<W, R>>;
  readonly holder: string;
  readonly logId: number;
  readonly seen: SeenProofs;
  head: Head | null;
  fenced: boolean;
}

class FlushTooSlow extends Error {
  readonly code = "ETIMEDOUT";
}

/** Rejects after so long, whatever `work` does; its own later failure is then nobody's concern. */
async function inTime<T>(work: Promise<T>, ms: number = auditLimits.flushMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new FlushTooSlow()), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How long a batch may take: work that writes many rows is given time for them. */
function timeFor<W, R>(batch: readonly Waiting<W, R>[]): number {
  const rows = batch.reduce((sum, { submission }) => sum + (submission.rows ?? 0), 0);
  return auditLimits.flushMs + rows * auditLimits.flushRowMs;
}

function refuseAll<W, R>(
  { seen }: Writer<W, R>,
  batch: readonly Waiting<W, R>[],
  codeFor: (waiting: Waiting<W, R>) => ProblemCode,
): void {
  for (const waiting of batch) {
    // Its request came to nothing, so the caller may send the same proof again.
    if (waiting.proof !== null) seen.forget(waiting.proof.digest);
    waiting.settle(refuse(codeFor(waiting)));
  }
}

const unavailable = <W, R>({ submission }: Waiting<W, R>): ProblemCode =>
  submission.work === undefined ? "audit-unavailable" : "storage-unavailable";

function settleWritten<W, R>(
  { deps }: Writer<W, R>,
  waiting: Waiting<W, R>,
  written: Written<R> | undefined,
): void {
  if (written === undefined) waiting.fail(new BrokenInvariant("a flush answers for each item"));
  else if (written.replayed) waiting.settle(refuse("proof-replayed"));
  else {
    const { from, count, outcome } = written;
    const { origin } = deps;
    const places = Array.from({ length: count }, (_, at) => ({ origin, index: from + at }));
    waiting.settle(ok({ outcome, places }));
  }
}

/** Where to write next; null when it cannot be known now, or never again. */
async function headOf<W, R>(writer: Writer<W, R>): Promise<Head | null> {
  if (writer.fenced || writer.head !== null) return writer.head;
  const { logId, holder, deps } = writer;
  const found = await attempt(() => inTime(recover(deps.db, deps.signer, { logId, holder })));
  if (!found.ok) return null;
  if (found.value === null) writer.fenced = true;
  else if (found.value.ok) writer.head = found.value.value;
  return writer.head;
}

/** What became of a batch; "failed" leaves open whether it was written when its COMMIT was lost. */
type Ending<R> =
  | { readonly kind: "written"; readonly flushed: Flushed<R> }
  | { readonly kind: "refused" }
  | { readonly kind: "failed"; readonly error: unknown };

/** A batch on its way. */
interface Flight<W, R> {
  readonly batch: readonly Waiting<W, R>[];
  /** How long it may take. */
  readonly ms: number;
  /** Resolves when it only has to become durable, or has ended: then the next may begin. */
  readonly sent: Promise<void>;
  /** Never rejects. */
  readonly ended: Promise<Ending<R>>;
}

async function fly<W, R>(
  writer: Writer<W, R>,
  { batch, ms }: Pick<Flight<W, R>, "batch" | "ms">,
  order: Order,
): Promise<Ending<R>> {
  try {
    const head = await headOf(writer);
    if (head === null) return { kind: "refused" };
    const flushed = await inTime(flush(writer.deps, head.lease, batch, order), ms);
    writer.fenced ||= flushed === null;
    writer.head = flushed === null ? null : { ...head, tree: flushed.tree };
    return flushed === null ? { kind: "refused" } : { kind: "written", flushed };
  } catch (error) {
    writer.head = null;
    return { kind: "failed", error };
  }
}

/** Sends a batch on its way behind another, which must have been sent; it is written only if that one is. */
function launch<W, R>(
  writer: Writer<W, R>,
  batch: readonly Waiting<W, R>[],
  ahead: Flight<W, R> | null,
): Flight<W, R> {
  const sent = Promise.withResolvers<void>();
  const turn: Order["turn"] = async () => {
    const before = await ahead?.ended;
    const isFree = before === undefined || before.kind === "written";
    return isFree ? (writer.head?.tree ?? null) : null;
  };
  const ms = timeFor(batch) + (ahead?.ms ?? 0);
  const order = { turn, sent: sent.resolve };
  const ended = fly(writer, { batch, ms }, order).finally(sent.resolve);
  return { batch, ms, sent: sent.promise, ended };
}

/** Tries each alone, so that a bad one fails by itself; the rest is given up once the database is gone. */
async function writeEach<W, R>(
  writer: Writer<W, R>,
  batch: readonly Waiting<W, R>[],
): Promise<void> {
  for (const [at, waiting] of batch.entries()) {
    const flight = launch(writer, [waiting], null);
    const { serves, tell } = await outcomeOf(writer, flight, await flight.ended);
    tell();
    if (serves) continue;
    refuseAll(writer, batch.slice(at + 1), unavailable);
    return;
  }
}

/** Answers a batch that threw. False when the database does not serve. */
async function failBatch<W, R>(
  writer: Writer<W, R>,
  batch: readonly Waiting<W, R>[],
  error: unknown,
): Promise<boolean> {
  const code = storageProblem(error);
  if (code === "storage-full" || code === "storage-unavailable") {
    refuseAll(writer, batch, code === "storage-full" ? () => code : unavailable);
    return false;
  }
  if (batch.length > 1) await writeEach(writer, batch);
  else if (code === "edit-conflict") refuseAll(writer, batch, () => code);
  else
    for (const waiting of batch) {
      if (waiting.proof !== null) writer.seen.forget(waiting.proof.digest);
      waiting.fail(error);
    }
  return true;
}

interface Wrote {
  /** False when the database does not serve. */
  readonly serves: boolean;
  /** Answers everyone in the batch who has no answer yet. */
  readonly tell: () => void;
}

const allTold = (): void => {};

/** Deals with how a batch ended, when no other is on its way behind it in vain. Never rejects. */
async function outcomeOf<W, R>(
  writer: Writer<W, R>,
  { batch }: Flight<W, R>,
  ending: Ending<R>,
): Promise<Wrote> {
  switch (ending.kind) {
    case "failed":
      return { serves: await failBatch(writer, batch, ending.error), tell: allTold };
    case "refused":
      return { serves: false, tell: () => refuseAll(writer, batch, unavailable) };
    case "written": {
      const { written } = ending.flushed;
      const tell = (): void =>
        batch.forEach((waiting, at) => settleWritten(writer, waiting, written[at]));
      return { serves: true, tell };
    }
    default:
      return unreachable(ending);
  }
}

const worksOf = <W, R>(batch: readonly Waiting<W, R>[]): readonly W[] =>
  batch.flatMap(({ submission: { work } }) => (work === undefined ? [] : [work]));

/** Whether a batch may begin before the one ahead has ended. */
function mayFollow<W, R>(
  { deps }: Writer<W, R>,
  batch: readonly Waiting<W, R>[],
  ahead: Flight<W, R>,
): boolean {
  const works = worksOf(batch);
  return works.length === 0 || deps.independent(works, worksOf(ahead.batch));
}

function takeBatch<W, R>(queue: Waiting<W, R>[]): readonly Waiting<W, R>[] {
  const { batchSubmissions, batchEntries } = auditLimits;
  let [taken, entries] = [0, 0];
  for (const { leaves } of queue.slice(0, batchSubmissions)) {
    entries += leaves?.length ?? 1;
    if (taken > 0 && entries > batchEntries) break;
    taken += 1;
  }
  return queue.splice(0, taken);
}

/** What can be done before the flush is done at once, while the database is at work on another. */
function itemOf<W, R>(submission: Submission<W, R>, seen: SeenProofs): Item<W, R> {
  const { proof, work, entries } = submission;
  const digest = proof === undefined ? null : proofDigest(proof);
  const leaves = work === undefined ? leavesOf(entries(null)) : null;
  if (digest === null || proof === undefined)
    return { submission, leaves, proof: null, replayed: false };
  if (!seen.add(digest))
    return { submission, leaves: replayLeaves(submission), proof: null, replayed: true };
  return { submission, leaves, proof: { digest, expiresAt: proof.expiresAt }, replayed: false };
}

function createSweeper({ db, clock }: Pick<LogDeps<never, never>, "db" | "clock">) {
  let sweptAt = clock.monotonicMs();
  let sweeping: Promise<unknown> = Promise.resolve();
  return {
    /** Starts a sweep when one is due; a failed one is made up for by the next. */
    maybe: (): void => {
      if (clock.monotonicMs() - sweptAt < auditLimits.proofSweepMs) return;
      sweptAt = clock.monotonicMs();
      sweeping = attempt(() => forgetProofs(db, clock.now(), auditLimits.sweptProofs));
    },
    ended: (): Promise<unknown> => sweeping,
  };
}

function openLog<W, R>(writer: Writer<W, R>): Log<W, R> {
  const queue: Waiting<W, R>[] = [];
  const sweeper = createSweeper(writer.deps);
  let running: Promise<void> | null = null;
  let closed = false;

  /** Answers whoever was in a batch; one that began behind it in vain goes back into the queue. */
  const land = async (flight: Flight<W, R>, behind: Flight<W, R> | null): Promise<boolean> => {
    const ending = await flight.ended;
    const isWritten = ending.kind === "written";
    if (!isWritten && behind !== null) {
      await behind.ended;
      queue.unshift(...behind.batch);
    }
    const { tell } = await outcomeOf(writer, flight, ending);
    // Told a turn later, so that the next batch is on its way to the database first.
    const told = nextTurn().then(tell);
    if (queue.length === 0) await told;
    sweeper.maybe();
    return isWritten;
  };

  const drain = async (): Promise<void> => {
    // Not a timer: only the events that are ready already, whose submissions can still join.
    await nextTurn();
    let ahead: Flight<W, R> | null = null;
    while (queue.length > 0 || ahead !== null) {
      const batch = takeBatch(queue);
      if (ahead !== null && !mayFollow(writer, batch, ahead)) {
        queue.unshift(...batch);
        await land(ahead, null);
        ahead = null;
        continue;
      }
      const next: Flight<W, R> | null = batch.length > 0 ? launch(writer, batch, ahead) : null;
      const isFree: boolean = ahead === null || (await land(ahead, next));
      ahead = isFree ? next : null;
      await ahead?.sent;
    }
    running = null;
  };

  return {
    submit: async (submission) => {
      if (closed || writer.fenced || queue.length >= auditLimits.waitingSubmissions)
        return refuse("audit-unavailable");
      const item = itemOf(submission, writer.seen);
      if (item.leaves?.length === 0 && item.proof === null && !item.replayed)
        return ok({ outcome: null, places: [] });
      return new Promise((resolve, reject) => {
        queue.push({ ...item, settle: resolve, fail: reject });
        running ??= drain();
      });
    },
    close: async () => {
      closed = true;
      await running;
      await sweeper.ended();
    },
  };
}

/**
 * Opens a log for writing and fences off whoever wrote it before. Entries are flushed in batches
 * without a timer: the next batch is what gathered while the last one was made ready. It does its
 * works while the last one becomes durable, and is written once that one is.
 */
export async function createLog<W = never, R = never>(
  deps: LogDeps<W, R>,
): Promise<Result<Log<W, R>>> {
  const { db, origin, signer, random, alongside, independent } = deps;
  if (signer.name !== origin) throw new BrokenInvariant("the signer is of another log");
  const holder = random.uuid();
  const taken = await attempt(() => takeOver(db, signer, holder));
  if (!taken.ok) return taken;
  if (!taken.value.ok) return taken.value;
  const head = taken.value.value;
  const refuseWork = async (): Promise<readonly R[]> => {
    throw new BrokenInvariant("this log was opened without a way to write works");
  };
  const writer: Writer<W, R> = {
    deps: {
      ...deps,
      alongside: alongside ?? refuseWork,
      independent: independent ?? (() => false),
    },
    holder,
    logId: head.lease.logId,
    seen: createSeenProofs(auditLimits.seenProofs),
    head,
    fenced: false,
  };
  return ok(openLog(writer));
}
