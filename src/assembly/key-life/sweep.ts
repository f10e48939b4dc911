import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { attempt } from "#storage/storage-problem.ts";
import { countBelow, raiseEpochFloor } from "#vault/keeper-store.ts";
import { rewrapIdentityKey } from "#assembly/key-life/identity-key.ts";
import type { KeyLife, OnProgress } from "#assembly/key-life/life.ts";
import { rewrapAll, type RewrapOutcome, type StuckKey } from "#assembly/key-life/rewrap.ts";
import type { WorkLock } from "#assembly/key-life/work-lock.ts";

/** What steps of one command share. */
export interface Work {
  readonly life: KeyLife;
  readonly lock: WorkLock;
  readonly onProgress: OnProgress;
  /** Go on and lose them: keys that do not unwrap keep nobody from destroying their epoch. */
  readonly leaveStuck: boolean;
}

/** A key made under the epoch before may be stored after the first pass; it is found by the next. */
const passesMax = 3;

/** Wraps every key of the deployment, identity's too, under the newest epoch. Fails as rewrapAll does. */
export async function sweep(
  { life, lock, onProgress }: Work,
  kekEpoch: number,
): Promise<Result<RewrapOutcome>> {
  let rewrapped = 0;
  let stuck: readonly StuckKey[] = [];
  for (let pass = 1; pass <= passesMax; pass += 1) {
    const done = await rewrapAll({ life, kekEpoch, goOn: () => lock.check(), onProgress });
    if (!done.ok) return done;
    rewrapped += done.value.rewrapped;
    stuck = done.value.stuck;
    const left = await attempt(() => countBelow(life.db, life.tenant, kekEpoch));
    if (!left.ok) return left;
    if (left.value <= stuck.length) break;
  }
  const identity = await rewrapIdentityKey(life, kekEpoch);
  return identity.ok ? ok({ rewrapped: rewrapped + identity.value, stuck }) : identity;
}

export interface Retired extends RewrapOutcome {
  /** The newest backup of the keys, made after the old epochs were gone. */
  readonly backup: string;
  readonly backupsRemoved: number;
}

/**
 * Destroys every epoch below this one, after all keys have left them. What opened under one of them
 * alone never opens again, from a copy of the database either. A backup is made before, so that the
 * newest epoch is nowhere only once, and anew after, without the old ones. Fails with
 * "record-damaged", having destroyed nothing, when a key does not unwrap and would be lost for good.
 */
export async function retireBelow(work: Work, kekEpoch: number): Promise<Result<Retired>> {
  const { life, lock, leaveStuck } = work;
  const closed = await attempt(() => life.db.transaction((tx) => raiseEpochFloor(tx, kekEpoch)));
  if (!closed.ok) return closed;
  const last = await sweep(work, kekEpoch);
  if (!last.ok) return last;
  const left = await attempt(() => countBelow(life.db, life.tenant, kekEpoch));
  if (!left.ok) return left;
  if (left.value > 0 && !leaveStuck) return wouldBeLost(left.value, last.value.stuck);
  const before = await life.backUp();
  if (!before.ok) return before;
  const going = lock.check();
  if (!going.ok) return going;
  const retired = await life.keys.retireEpochs(kekEpoch);
  if (!retired.ok) return retired;
  const after = await life.backUp();
  if (!after.ok) return after;
  const removed = await life.removeOldBackups(after.value);
  if (!removed.ok) return removed;
  return ok({ ...last.value, backup: after.value, backupsRemoved: removed.value });
}

const namedAtMost = 3;

function wouldBeLost(count: number, stuck: readonly StuckKey[]): ReturnType<typeof refuse> {
  const names = stuck
    .slice(0, namedAtMost)
    .map(({ compartment, dekVersion }) => `${compartment} version ${dekVersion}`);
  return refuse("record-damaged", {
    detail: `${count} keys do not unwrap (${names.join(", ")}); restore their rows from a backup, or give them up with --leave-damaged`,
  });
}
