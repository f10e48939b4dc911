/**
 * A map that holds at most `max` values. It forgets by halves: once the newer half is full, all that
 * was not used since the half before it filled.
 */
export interface BoundedCache<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
  readonly size: number;
}

export function createBoundedCache<K, V>(max: number): BoundedCache<K, V> {
  // Two maps, not one in the order of use: a hit then costs a look-up and nothing more.
  const half = Math.max(1, Math.floor(max / 2));
  let newer = new Map<K, V>();
  let older = new Map<K, V>();
  const set = (key: K, value: V): void => {
    older.delete(key);
    if (newer.size >= half && !newer.has(key)) {
      older = max > 1 ? newer : new Map<K, V>();
      newer = new Map();
    }
    newer.set(key, value);
  };
  return {
    get: (key) => {
      const value = newer.get(key);
      if (value !== undefined) return value;
      const aged = older.get(key);
      if (aged !== undefined) set(key, aged);
      return aged;
    },
    set,
    delete: (key) => {
      newer.delete(key);
      older.delete(key);
    },
    get size() {
      return newer.size + older.size;
    },
  };
}
