/** A map that forgets what was longest unused once it holds `max` values. */
export interface BoundedCache<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
  readonly size: number;
}

export function createBoundedCache<K, V>(max: number): BoundedCache<K, V> {
  // A Map keeps the order of insertion, so its first key is the one longest unused.
  const held = new Map<K, V>();
  return {
    get: (key) => {
      const value = held.get(key);
      if (value === undefined) return undefined;
      held.delete(key);
      held.set(key, value);
      return value;
    },
    set: (key, value) => {
      held.delete(key);
      held.set(key, value);
      for (const oldest of held.keys()) {
        if (held.size <= max) break;
        held.delete(oldest);
      }
    },
    delete: (key) => {
      held.delete(key);
    },
    get size() {
      return held.size;
    },
  };
}
