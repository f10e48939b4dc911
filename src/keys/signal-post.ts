import type { KeySignal } from "#core/key-wire.ts";
import type { RecordUse } from "#keys/desk.ts";
import type { KeyCaller } from "#keys/key-use.ts";

/** Signals on their way to records, the one caller that passes them on, whoever's request raised them. */
export interface SignalPost {
  /** Records a use and keeps its signals. */
  readonly record: RecordUse;
  /** Hands the signals kept so far over to this caller, once; none to a caller that is not records. */
  readonly take: (caller: KeyCaller) => readonly KeySignal[];
}

export function createSignalPost(record: RecordUse): SignalPost {
  const kept = new Set<KeySignal>();
  return {
    record: async (use) => {
      const told = await record(use);
      if (told.ok) for (const signal of told.value) kept.add(signal);
      return told;
    },
    take: ({ role }) => {
      if (role !== "records") return [];
      const taken = [...kept];
      kept.clear();
      return taken;
    },
  };
}
