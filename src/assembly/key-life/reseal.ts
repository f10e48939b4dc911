import type { Pseudonym } from "#core/ids.ts";
import { ok, type Result } from "#core/result.ts";
import { brakeLimits } from "#keys/brake.ts";
import { attempt } from "#storage/storage-problem.ts";
import { countCompartments } from "#vault/keeper-store.ts";
import type { KeyLife } from "#assembly/key-life/life.ts";
import type { Work } from "#assembly/key-life/sweep.ts";

export interface Resealing {
  /** Patients, and the organisation, that have a new key now. */
  readonly patients: number;
  readonly rows: number;
  /** Rows that did not open and stay as they are. */
  readonly damaged: number;
  /** Whether an earlier run over all was cut off and this one went on with it. */
  readonly resumed: boolean;
  /** Path of the newest backup of the keys. */
  readonly backup: string;
}

const noteName = "reseal-all";

export const resealLimits = { patientsPerRequest: 20 } as const;

/** The keys process is told that much is asked for with good reason, for a while and again. */
const announced = { minutes: 60, everyMs: 30 * 60_000 } as const;

/**
 * Gives patients a new data key each and seals their rows under it, while requests go on; for a key
 * that may have been seen. `patients` null means all, the organisation too: that run is gone on
 * with when it was cut off. The old versions stay, as older log entries and copies name them.
 */
export async function reseal(
  { life, lock, onProgress }: Work,
  patients: readonly Pseudonym[] | null,
): Promise<Result<Resealing>> {
  const all = patients === null;
  const noted = all ? life.notes.read(noteName) : null;
  const total = all ? await attempt(() => countCompartments(life.db, life.tenant)) : null;
  if (total !== null && !total.ok) return total;
  const expected = total === null ? (patients ?? []).length : total.value;
  let after = noted === "" ? null : noted;
  let done = { patients: 0, rows: 0, damaged: 0 };
  if (all && noted === null) life.notes.write(noteName, "");
  let announceAt = life.clock.monotonicMs();
  for (;;) {
    const going = lock.check();
    if (!going.ok) return going;
    if (all && life.clock.monotonicMs() >= announceAt) {
      const patientsMax = Math.min(Math.max(1, expected), brakeLimits.liftPatientsMax);
      const lifted = await life.keys.liftBrake(patientsMax, announced.minutes);
      if (!lifted.ok) return lifted;
      announceAt = life.clock.monotonicMs() + announced.everyMs;
    }
    const some = await life.desk.reseal(patients, after, resealLimits.patientsPerRequest);
    if (!some.ok) return some;
    const { done: resealed, rows, damaged, next } = some.value;
    done = {
      patients: done.patients + resealed,
      rows: done.rows + rows,
      damaged: done.damaged + damaged,
    };
    onProgress(done.patients, Math.max(expected, done.patients));
    if (next === null) break;
    after = next;
    if (all) life.notes.write(noteName, next);
  }
  const backup = await logAndBackUp(life, done.patients);
  if (!backup.ok) return backup;
  if (all) life.notes.remove(noteName);
  return ok({ ...done, resumed: noted !== null, backup: backup.value });
}

/** The new keys are in no backup that was made before. */
async function logAndBackUp(life: KeyLife, count: number): Promise<Result<string>> {
  const event = { action: "key-reseal", patient: null, reasons: ["done"], count } as const;
  const logged = await life.desk.log(event);
  return logged.ok ? life.backUp() : logged;
}
