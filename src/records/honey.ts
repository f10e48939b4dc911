import type { Log } from "#audit/log.ts";
import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import type { Clock } from "#core/clock.ts";
import type { Result } from "#core/result.ts";
import type { StoredRow } from "#records/store.ts";
import { entryOf, touch, type Visit } from "#records/visit.ts";
import type { Work, WriteOutcome } from "#records/write-plan.ts";

/**
 * A honey record is a record like any other, of a patient who never was. Nobody cares for her and no
 * search finds her, so whoever opens it came by another way. What tells it from others lies within
 * the ciphertext alone: this character before the JSON, which no JSON text begins with.
 */
export const honeyMark = "\u0000";

/** What a record's text says, and whether it is honey. */
export function readMarked(plain: string): { readonly text: string; readonly isHoney: boolean } {
  return plain.startsWith(honeyMark)
    ? { text: plain.slice(honeyMark.length), isHoney: true }
    : { text: plain, isHoney: false };
}

/** Name of the signal that opening one raises. */
export const honeySignal = "honey-record";

/** Told of honey that was opened, before anyone is shown it; when it fails, nobody is. */
export type RaiseHoney = (rows: readonly StoredRow[], by: Visit | null) => Promise<Result<unknown>>;

/** Writes the signal into the log, one entry for each patient, with whoever it was that opened it. */
export function createRaiseHoney(
  log: Pick<Log<Work, WriteOutcome>, "submit">,
  clock: Clock,
): RaiseHoney {
  return (rows, by) => {
    const patients = Map.groupBy(rows, ({ compartment }) => compartment);
    const entries = [...patients.values()].flatMap((opened) => signalOf(opened, by, clock));
    return log.submit({ entries: () => entries });
  };
}

function signalOf(
  opened: readonly StoredRow[],
  by: Visit | null,
  clock: Clock,
): readonly AuditEntry[] {
  const [first] = opened;
  if (first === undefined) return [];
  const { compartment, type, id, version, dekVersion } = first;
  const about = { action: "signal", version, dekVersion, count: opened.length } as const;
  const raised = { decision: "permit", signal: honeySignal, reasons: [honeySignal] } as const;
  if (by !== null) return [entryOf(by, touch({ ...about, compartment, type, id }), raised)];
  return [
    auditEntry({
      ...raised,
      time: clock.now(),
      action: "signal",
      actor: "process:records",
      zone: "phi",
      patient: compartment === "organisation" ? null : compartment,
      resourceType: type,
      resourceId: id,
      resourceVersion: version,
      dekVersion,
      count: opened.length,
    }),
  ];
}
