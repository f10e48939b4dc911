import type { Clock } from "#core/clock.ts";
import type { Compartment, DataKey } from "#vault/data-key.ts";

export interface KeyCacheLimits {
  /** Keys held at once; about 3.5 KB each with all that is drawn from one. */
  readonly keys: number;
  /** From loading to forgetting, used or not: who learns memory learns no older keys. */
  readonly residenceMs: number;
}

/** Data keys in memory. What is evicted is only dropped here: an operation under way may finish. */
export interface KeyCache {
  newest(compartment: Compartment): DataKey | null;
  at(compartment: Compartment, dekVersion: number): DataKey | null;
  /**
   * Holds a key just loaded and returns it, or the one already held of the same name, so that its
   * seals are counted in one place. `isNewest`: the table has no later version of it.
   */
  add(key: DataKey, isNewest: boolean): DataKey;
  /** Forgets what has been here too long. */
  sweep(): void;
  /** Forgets the keys of these compartments, of whatever version; how many there were. */
  evict(compartments: readonly Compartment[]): number;
  clear(): void;
  /** Counts up with each evict and clear: what was read before one may be worthless after it. */
  readonly evictions: number;
  readonly size: number;
}

interface Held {
  readonly key: DataKey;
  readonly until: number;
}

export function createKeyCache(limits: KeyCacheLimits, clock: Clock): KeyCache {
  // In order of use, the longest unused first.
  const held = new Map<string, Held>();
  const newest = new Map<Compartment, number>();
  let evictions = 0;

  function drop(name: string, { key }: Held): void {
    held.delete(name);
    if (newest.get(key.compartment) === key.dekVersion) newest.delete(key.compartment);
  }

  function at(compartment: Compartment, dekVersion: number): DataKey | null {
    const name = nameOf(compartment, dekVersion);
    const found = held.get(name);
    if (found === undefined) return null;
    if (found.until <= clock.monotonicMs()) {
      drop(name, found);
      return null;
    }
    held.delete(name);
    held.set(name, found);
    return found.key;
  }

  return {
    at,
    newest: (compartment) => {
      const dekVersion = newest.get(compartment);
      return dekVersion === undefined ? null : at(compartment, dekVersion);
    },
    add: (key, isNewest) => {
      const { compartment, dekVersion } = key;
      const known = at(compartment, dekVersion);
      // What was read before a newer key was made says nothing against that one.
      if (isNewest && (newest.get(compartment) ?? 0) < dekVersion)
        newest.set(compartment, dekVersion);
      if (known !== null) return known;
      const until = clock.monotonicMs() + limits.residenceMs;
      held.set(nameOf(compartment, dekVersion), { key, until });
      for (const [name, oldest] of held) {
        if (held.size <= limits.keys) break;
        drop(name, oldest);
      }
      return key;
    },
    sweep: () => {
      const now = clock.monotonicMs();
      for (const [name, entry] of held) if (entry.until <= now) drop(name, entry);
    },
    evict: (compartments) => {
      const wanted = new Set(compartments);
      const before = held.size;
      evictions += 1;
      for (const [name, entry] of held) if (wanted.has(entry.key.compartment)) drop(name, entry);
      return before - held.size;
    },
    clear: () => {
      evictions += 1;
      for (const [name, entry] of held) drop(name, entry);
    },
    get evictions() {
      return evictions;
    },
    get size() {
      return held.size;
    },
  };
}

const nameOf = (compartment: Compartment, dekVersion: number): string =>
  `${compartment}/${dekVersion}`;
