import type { Clock } from "#core/clock.ts";
import { materialOf, type Compartment, type DataKey } from "#vault/data-key.ts";

export interface KeyCacheLimits {
  /** Keys held at once; about 2 KB each. */
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
  /** Seals that this process made with a key before it was evicted. */
  sealsOf(compartment: Compartment, dekVersion: number): number;
  /** Forgets what has been here too long. */
  sweep(): void;
  clear(): void;
  readonly size: number;
}

/** Below so many seals an evicted key's count is forgotten: 2^28 would take 4,096 such residences. */
const sealsWorthKeeping = 2 ** 16;

interface Held {
  readonly key: DataKey;
  readonly until: number;
}

export function createKeyCache(limits: KeyCacheLimits, clock: Clock): KeyCache {
  // In order of use, the longest unused first.
  const held = new Map<string, Held>();
  const newest = new Map<Compartment, number>();
  const worn = new Map<string, number>();

  function drop(name: string, { key }: Held): void {
    const { seals } = materialOf(key);
    held.delete(name);
    if (newest.get(key.compartment) === key.dekVersion) newest.delete(key.compartment);
    if (seals >= sealsWorthKeeping) worn.set(name, seals);
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
      if (isNewest) newest.set(compartment, dekVersion);
      if (known !== null) return known;
      const until = clock.monotonicMs() + limits.residenceMs;
      held.set(nameOf(compartment, dekVersion), { key, until });
      for (const [name, oldest] of held) {
        if (held.size <= limits.keys) break;
        drop(name, oldest);
      }
      return key;
    },
    sealsOf: (compartment, dekVersion) => worn.get(nameOf(compartment, dekVersion)) ?? 0,
    sweep: () => {
      const now = clock.monotonicMs();
      for (const [name, entry] of held) if (entry.until <= now) drop(name, entry);
    },
    clear: () => {
      for (const [name, entry] of held) drop(name, entry);
    },
    get size() {
      return held.size;
    },
  };
}

const nameOf = (compartment: Compartment, dekVersion: number): string =>
  `${compartment}/${dekVersion}`;
