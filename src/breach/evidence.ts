import type { Instant } from "#core/clock.ts";
import type { Holder, Sighting } from "#breach/sighting.ts";

export type EvidenceKind =
  /** Came into the host's memory within the window. */
  | "unwrapped"
  /** Came into it before, so lately that it may have been there still when the window began. */
  | "resident"
  /** Lay in the database wrapped under the epoch at some moment of the window. */
  | "wrapped-under-epoch"
  /** Was there at all before the window ended. */
  | "existed";

/** One record, by its time and its place in a log (`origin#index`, `key-log#line`) or table. */
export interface Mark {
  readonly at: Instant;
  readonly place: string;
}

/** Records of one source that say the same of one key. */
export interface Evidence {
  readonly kind: EvidenceKind;
  readonly record: Sighting["record"];
  readonly dekVersion: number;
  readonly kekEpoch: number | null;
  /** `role@host`, the host "?" where no record tells; null when the key was given to nobody. */
  readonly holder: string | null;
  /**
   * False: no record shows the key under the epoch, but none excludes it either; `first` and `last`
   * are the records between which it may have been.
   */
  readonly certain: boolean;
  readonly first: Mark;
  readonly last: Mark;
  readonly count: number;
}

export const markOf = ({ at, source, index }: Sighting): Mark => ({
  at,
  place: index === null ? source : `${source}#${index}`,
});

const nameOf = (holder: Holder | null): string | null =>
  holder === null ? null : `${holder.role}@${holder.host ?? "?"}`;

/** Gathers sightings into evidence; how much it keeps does not grow with how often a key was used. */
export interface EvidenceBook {
  add(kind: EvidenceKind, sighting: Sighting): void;
  /** In the order in which each was first added. */
  all(): readonly Evidence[];
}

export function createEvidenceBook(): EvidenceBook {
  const groups = new Map<string, Evidence>();
  return {
    add: (kind, sighting) => {
      const { record, dekVersion, kekEpoch, source } = sighting;
      const holder = nameOf(sighting.holder);
      const mark = markOf(sighting);
      const name = JSON.stringify([kind, record, dekVersion, kekEpoch, holder, source]);
      const known = groups.get(name);
      if (known === undefined) {
        const about = { kind, record, dekVersion, kekEpoch, holder, certain: true };
        groups.set(name, { ...about, first: mark, last: mark, count: 1 });
        return;
      }
      const first = mark.at < known.first.at ? mark : known.first;
      const last = mark.at >= known.last.at ? mark : known.last;
      groups.set(name, { ...known, first, last, count: known.count + 1 });
    },
    all: () => [...groups.values()],
  };
}
