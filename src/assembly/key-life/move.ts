import { ok, type Result } from "#core/result.ts";
import type { KeyLife } from "#assembly/key-life/life.ts";

export interface Moved {
  readonly from: string;
  readonly to: string;
  readonly epochs: number;
  /** Path of the newest backup of the keys; older ones still open under the KMS before. */
  readonly backup: string;
}

/**
 * Wraps the ring under another KMS's root key while the keys process goes on, and backs it up. Not
 * moved at all when it fails, but for a failure after the move itself: the same again moves anew and
 * changes nothing.
 */
export async function moveKms(life: KeyLife, kms: unknown): Promise<Result<Moved>> {
  const before = await life.keys.status();
  if (!before.ok) return before;
  const { kms: from } = before.value;
  const logged = await life.desk.log(eventOf("begun", [`from-${from}`], 0));
  if (!logged.ok) return logged;
  const moved = await life.keys.moveKms(kms);
  if (!moved.ok) return moved;
  const { kms: to, epochs } = moved.value;
  const told = await life.desk.log(eventOf("done", [`from-${from}`, `to-${to}`], epochs.length));
  if (!told.ok) return told;
  const backup = await life.backUp();
  return backup.ok ? ok({ from, to, epochs: epochs.length, backup: backup.value }) : backup;
}

function eventOf(
  what: string,
  more: readonly string[],
  count: number,
): Parameters<KeyLife["desk"]["log"]>[0] {
  return { action: "key-move", patient: null, reasons: [what, ...more], count };
}
