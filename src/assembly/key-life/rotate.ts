import { ok, type Result } from "#core/result.ts";
import type { KeyEvent, KeyLife } from "#assembly/key-life/life.ts";
import type { StuckKey } from "#assembly/key-life/rewrap.ts";
import { retireBelow, sweep, type Work } from "#assembly/key-life/sweep.ts";

export interface Rotation {
  readonly kekEpoch: number;
  /** Whether an earlier rotation was cut off and this one finished it. */
  readonly resumed: boolean;
  readonly rewrapped: number;
  /** Keys that do not unwrap and stay as they are. */
  readonly stuck: readonly StuckKey[];
  /** Path of the newest backup of the keys. */
  readonly backup: string;
  /** Null when the old epochs were kept. */
  readonly retired: { readonly backupsRemoved: number } | null;
}

const noteName = "rotation";

/**
 * Starts a KEK epoch, wraps every data key under it and backs the keys up; the records stay as they
 * are. With `retireOld` the older epochs are destroyed after that. What was cut off is gone on
 * with: the epoch that was started is not started again.
 */
export async function rotate(
  work: Work,
  { retireOld }: { readonly retireOld: boolean },
): Promise<Result<Rotation>> {
  const { life } = work;
  const begun = await beginEpoch(life);
  if (!begun.ok) return begun;
  const { kekEpoch, resumed } = begun.value;
  const swept = await sweep(work, kekEpoch);
  if (!swept.ok) return swept;
  const { stuck } = swept.value;
  const end = retireOld ? await retireAndLog(work, kekEpoch) : await backUpOnly(life);
  if (!end.ok) return end;
  const { backup, retired } = end.value;
  const rewrapped = swept.value.rewrapped + end.value.rewrapped;
  const logged = await life.desk.log(eventOf(kekEpoch, "done", rewrapped));
  if (!logged.ok) return logged;
  life.notes.remove(noteName);
  return ok({ kekEpoch, resumed, rewrapped, stuck, backup, retired });
}

interface Begun {
  readonly kekEpoch: number;
  readonly resumed: boolean;
}

function eventOf(kekEpoch: number, what: string, count: number): KeyEvent {
  return { action: "key-rotate", patient: null, reasons: [what, `kek-epoch-${kekEpoch}`], count };
}

/** The epoch to wrap under: a fresh one, or the one that a rotation before this one has begun. */
async function beginEpoch(life: KeyLife): Promise<Result<Begun>> {
  const status = await life.keys.status();
  if (!status.ok) return status;
  const noted = Number(life.notes.read(noteName) ?? Number.NaN);
  const resumed = Number.isInteger(noted);
  const kekEpoch = status.value.kekEpoch + 1;
  if (resumed && status.value.kekEpoch >= noted)
    return ok({ kekEpoch: status.value.kekEpoch, resumed });
  life.notes.write(noteName, String(kekEpoch));
  const logged = await life.desk.log(eventOf(kekEpoch, "begun", 0));
  if (!logged.ok) return logged;
  const started = await life.keys.startEpoch();
  return started.ok ? ok({ kekEpoch: started.value.kekEpoch, resumed }) : started;
}

interface End {
  readonly backup: string;
  readonly retired: Rotation["retired"];
  readonly rewrapped: number;
}

async function backUpOnly(life: KeyLife): Promise<Result<End>> {
  const backup = await life.backUp();
  return backup.ok ? ok({ backup: backup.value, retired: null, rewrapped: 0 }) : backup;
}

async function retireAndLog(work: Work, kekEpoch: number): Promise<Result<End>> {
  const logged = await work.life.desk.log(eventOf(kekEpoch, "retire-older", 0));
  if (!logged.ok) return logged;
  const retired = await retireBelow(work, kekEpoch);
  if (!retired.ok) return retired;
  const { backup, backupsRemoved, rewrapped } = retired.value;
  return ok({ backup, retired: { backupsRemoved }, rewrapped });
}
