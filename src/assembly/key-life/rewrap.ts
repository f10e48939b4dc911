import type { WrappedKey } from "#core/key-wire.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { attempt } from "#storage/storage-problem.ts";
import {
  countBelow,
  pageBelow,
  replaceWrapped,
  type KeyCursor,
  type Rewrapped,
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
  keysPerBatch: 5_000,
  /** While one batch is read, another is wrapped and others are written. */
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
  const counted = await attempt(() => countBelow(life.db, life.tenant, kekEpoch));
  if (!counted.ok) return counted;
  const total = counted.value;
  const stuck: StuckKey[] = [];
  let seen = 0;
  let rewrapped = 0;
  let reading: Promise<Result<readonly WrappedKey[]>> = readPage(work, null);
  const worker = async (): Promise<Result<null>> => {
    for (;;) {
      const mine = reading;
      const going = goOn();
      if (!going.ok) return going;
      // The next page is read while this one is wrapped and written.
      reading = followed(work, mine);
      const page = await mine;
      if (!page.ok) return page;
      if (page.value.length === 0) return ok(null);
      const done = await rewrapPage(work, page.value);
      if (!done.ok) return done;
      rewrapped += done.value.rewrapped;
      stuck.push(...done.value.stuck.slice(0, rewrapLimits.stuckNamed - stuck.length));
      seen += page.value.length;
      onProgress(seen, Math.max(seen, total));
    }
  };
  const ended = await Promise.all(Array.from({ length: rewrapLimits.batchesInFlight }, worker));
  await reading;
  return ended.find((result) => !result.ok) ?? ok({ rewrapped, stuck });
}

function readPage(
  { life, kekEpoch }: RewrapWork,
  after: KeyCursor | null,
): Promise<Result<readonly WrappedKey[]>> {
  const { db, tenant } = life;
  return attempt(() => pageBelow(db, { tenant, kekEpoch }, after, rewrapLimits.keysPerBatch));
}

async function followed(
  work: RewrapWork,
  before: Promise<Result<readonly WrappedKey[]>>,
): Promise<Result<readonly WrappedKey[]>> {
  const page = await before;
  const last = page.ok ? page.value.at(-1) : undefined;
  return last === undefined ? page : readPage(work, last);
}

async function rewrapPage(
  { life, kekEpoch }: RewrapWork,
  page: readonly WrappedKey[],
): Promise<Result<RewrapOutcome>> {
  const answers = await life.keys.rewrap(page);
  if (!answers.ok) return answers;
  const made: Rewrapped[] = [];
  const stuck: StuckKey[] = [];
  for (const [i, answer] of answers.value.entries()) {
    const key = page[i];
    if (key === undefined) return refuse("key-unavailable", { detail: "it answered too much" });
    const name = { compartment: key.compartment, dekVersion: key.dekVersion };
    if (!answer.ok) stuck.push({ ...name, kekEpoch: key.kekEpoch, code: answer.code });
    else if (answer.kekEpoch === kekEpoch) made.push({ ...name, ...answer });
    else return refuse("key-work-running", { detail: "another epoch was started meanwhile" });
  }
  const replaced = await attempt(() =>
    replaceWrapped(life.db, { tenant: life.tenant, kekEpoch }, made),
  );
  return replaced.ok ? ok({ rewrapped: replaced.value, stuck }) : replaced;
}
