import type { Pseudonym } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { attempt } from "#storage/storage-problem.ts";
import {
  countKeysOf,
  destroyKeys,
  findShredding,
  finishShreddings,
  type KnownShredding,
} from "#vault/shred-store.ts";
import type { KeyEvent } from "#assembly/key-life/life.ts";
import { retireBelow, type Work } from "#assembly/key-life/sweep.ts";

export interface ShredOrder {
  readonly patient: Pseudonym;
  readonly reason: string;
  readonly officer: string;
  readonly secondOfficer: string;
}

export interface Shredded {
  readonly patient: Pseudonym;
  /** Whether nothing was left to do. */
  readonly already: boolean;
  /** Keys of the patient deleted now. */
  readonly keysDestroyed: number;
  /** Keys of everyone else that were wrapped under the new epoch. */
  readonly rewrapped: number;
  /** The epoch under which the survivors are now, and the only one left. */
  readonly kekEpoch: number;
  /** Path of the newest backup of the keys; null when nothing was done. */
  readonly backup: string | null;
  readonly backupsRemoved: number;
}

/**
 * Destroys one patient's keys so that no copy of the database opens them either: the keys are
 * deleted, all others go under a new epoch, the older epochs are destroyed. Every step may be cut
 * off; the same order again goes on with what is left. Fails with "not-found" when the patient has
 * no key, and with the problem of the step that failed.
 */
export async function shred(work: Work, order: ShredOrder): Promise<Result<Shredded>> {
  const { life } = work;
  const known = await attempt(() => findShredding(life.db, order.patient));
  if (!known.ok) return known;
  const status = await life.keys.status();
  if (!status.ok) return status;
  if (known.value !== null && known.value.finishedAt !== null)
    return ok(alreadyDone(order, status.value.kekEpoch));
  const deleted = await deleteKeys(work, order, known.value, status.value.kekEpoch);
  if (!deleted.ok) return deleted;
  const evicted = await life.desk.evict([order.patient]);
  if (!evicted.ok) return evicted;
  const kekEpoch = await epochBeyond(work, deleted.value.lastEpoch);
  if (!kekEpoch.ok) return kekEpoch;
  const retired = await retireBelow(work, kekEpoch.value);
  if (!retired.ok) return retired;
  const { rewrapped, backup, backupsRemoved } = retired.value;
  const logged = await life.desk.log(eventOf(order, "done", deleted.value.keysDestroyed));
  if (!logged.ok) return logged;
  const finished = await attempt(() => finishShreddings(life.db, kekEpoch.value, life.clock.now()));
  if (!finished.ok) return finished;
  const { keysDestroyed } = deleted.value;
  return ok({
    patient: order.patient,
    already: false,
    keysDestroyed,
    rewrapped,
    kekEpoch: kekEpoch.value,
    backup,
    backupsRemoved,
  });
}

function alreadyDone({ patient }: ShredOrder, kekEpoch: number): Shredded {
  const nothing = { keysDestroyed: 0, rewrapped: 0, backup: null, backupsRemoved: 0 };
  return { patient, already: true, kekEpoch, ...nothing };
}

function eventOf({ patient, secondOfficer }: ShredOrder, what: string, count: number): KeyEvent {
  return {
    action: "key-shred",
    patient,
    reasons: [what, `second-officer:${secondOfficer}`],
    count,
  };
}

/** Deletes what is left of the patient's keys; the first time the intent is in the log before. */
async function deleteKeys(
  { life }: Work,
  order: ShredOrder,
  known: KnownShredding | null,
  currentEpoch: number,
): Promise<Result<{ keysDestroyed: number; lastEpoch: number }>> {
  const { patient, reason, officer, secondOfficer } = order;
  const keys = await attempt(() => countKeysOf(life.db, patient));
  if (!keys.ok) return keys;
  if (known === null && keys.value === 0)
    return refuse("not-found", { detail: "No key of this patient is stored." });
  const logged = await life.desk.log(
    eventOf(order, known === null ? "begun" : "resumed", keys.value),
  );
  if (!logged.ok) return logged;
  const at = life.clock.now();
  const shredding = { compartment: patient, at, reason, officer, secondOfficer };
  const destroyed = await attempt(() =>
    life.db.transaction((tx) => destroyKeys(tx, { ...shredding, lastEpoch: currentEpoch })),
  );
  if (!destroyed.ok) return destroyed;
  const noted = await attempt(() => findShredding(life.db, patient));
  if (!noted.ok) return noted;
  const lastEpoch = noted.value?.lastEpoch ?? currentEpoch;
  return ok({ keysDestroyed: destroyed.value, lastEpoch });
}

/** An epoch that never wrapped the patient's keys: the newest if it is one, else a fresh one. */
async function epochBeyond({ life, lock }: Work, lastEpoch: number): Promise<Result<number>> {
  const going = lock.check();
  if (!going.ok) return going;
  const status = await life.keys.status();
  if (!status.ok) return status;
  if (status.value.kekEpoch > lastEpoch) return ok(status.value.kekEpoch);
  const started = await life.keys.startEpoch();
  return started.ok ? ok(started.value.kekEpoch) : started;
}
