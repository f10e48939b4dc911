import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { attempt } from "#storage/storage-problem.ts";
import {
  countBelow,
  countBlocks,
  keysInBlocks,
  replaceWrapped,
  type KeyCursor,
  type PlacedKeys,
  type RewrappedKeyAt,
} from "#vault/keeper-store.ts";
import type { KeyLife, OnProgress } from "#assembly/key-life/life.ts";

/** A key that does not unwrap, so that it cannot be wrapped anew. */
export interface StuckKey extends KeyCursor {
  readonly kekEpoch: number;
  readonly code: "wrong-epoch" | "damaged" | "not-yours";
}

export interface RewrapOutcome {
  /** Keys that are under the newest epoch now and were not before. */
  readonly rewrapped: number;
  readonly stuck: readonly StuckKey[];
}

export const rewrapLimits = {
  /** Of 8 KiB: some 5,000 keys, and never as many as one request may hold. */
  blocksPerBatch: 150,
  /** While one batch is read, another is wrapped and a third is written. */
  batchesInFlight: 3,
  /** Named in the outcome; the count of what is left tells of more. */
  stuckNamed: 1_000,
} as const;

export interface RewrapWork {
  readonly life: Pick<KeyLife, "db" | "keys" | "tenant">;
  /** The newest epoch; all keys below it are wrapped anew. */
  readonly kekEpoch: number;
  /** Asked before each batch; the work ends with what it fails with. */
  readonly goOn: () => Result<unknown>;
  readonly onProgress: OnProgress;
}

/**
 * Wraps every data key of an older epoch under the newest one, while requests go on: a reader finds
 * the old form or the new, and either opens as long as the ring has both epochs. Each batch is
 * durable by itself, so what was cut off goes on where it ended. Fails with the problem of the
 * first batch that failed.
 */
export async function rewrapAll(work: RewrapWork): Promise<Result<RewrapOutcome>> {
  const { life, kekEpoch, goOn, onProgress } = work;
  const found = await attempt(async () => ({
    total: await countBelow(life.db, life.tenant, kekEpoch),
    blocks: await countBlocks(life.db),
  }));
  if (!found.ok) return found;
  const { total, blocks } = found.value;
  const stuck: StuckKey[] = [];
  let [next, seen, rewrapped] = [0, 0, 0];
  const worker = async (): Promise<Result<null>> => {
    while (next < blocks) {
      const from = next;
      next += rewrapLimits.blocksPerBatch;
      const going = goOn();
      const done = going.ok ? await rewrapBlocks(work, from) : going;
      if (!done.ok) {
        next = blocks;
        return done;
      }
      rewrapped += done.value.rewrapped;
      stuck.push(...done.value.stuck.slice(0, rewrapLimits.stuckNamed - stuck.length));
      seen += done.value.seen;
      onProgress(seen, Math.max(seen, total));
    }
    return ok(null);
  };
  const ended = await Promise.all(Array.from({ length: rewrapLimits.batchesInFlight }, worker));
  return ended.find((result) => !result.ok) ?? ok({ rewrapped, stuck });
}

async function rewrapBlocks(
  work: RewrapWork,
  from: number,
): Promise<Result<RewrapOutcome & { readonly seen: number }>> {
  const { life, kekEpoch } = work;
  const { db, tenant } = life;
  const { blocksPerBatch } = rewrapLimits;
  const batch = await attempt(() => keysInBlocks(db, { tenant, kekEpoch }, from, blocksPerBatch));
  if (!batch.ok) return batch;
  const seen = batch.value.keys.length;
  if (seen === 0) return ok({ rewrapped: 0, stuck: [], seen });
  const wrapped = await wrapAnew(work, batch.value);
  if (!wrapped.ok) return wrapped;
  const { made, stuck } = wrapped.value;
  const replaced = await attempt(() => replaceWrapped(db, { tenant, kekEpoch }, made));
  return replaced.ok ? ok({ rewrapped: replaced.value, stuck, seen }) : replaced;
}

async function wrapAnew(
  { life, kekEpoch }: RewrapWork,
  { keys, places }: PlacedKeys,
): Promise<Result<{ made: readonly RewrappedKeyAt[]; stuck: readonly StuckKey[] }>> {
  const answers = await life.keys.rewrap(keys);
  if (!answers.ok) return answers;
  const made: RewrappedKeyAt[] = [];
  const stuck: StuckKey[] = [];
  for (const [i, answer] of answers.value.entries()) {
    const [key, place] = [keys[i], places[i]];
    if (key === undefined || place === undefined)
      return refuse("key-unavailable", { detail: "it answered too much" });
    const { compartment, dekVersion } = key;
    if (!answer.ok)
      stuck.push({ compartment, dekVersion, kekEpoch: key.kekEpoch, code: answer.code });
    else if (answer.kekEpoch === kekEpoch)
      made.push({ compartment, dekVersion, place, wrapped: answer.wrapped });
    else return refuse("key-work-running", { detail: "another epoch was started meanwhile" });
  }
  return ok({ made, stuck });
}
