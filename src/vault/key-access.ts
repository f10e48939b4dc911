import type { Clock } from "#core/clock.ts";
import type { TenantId } from "#core/ids.ts";
import type { KeyService } from "#core/key-service.ts";
import { keyLimits } from "#core/key-wire.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Database } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import type { Compartment, DataKey } from "#vault/data-key.ts";
import { createKeyCache, type KeyCache, type KeyCacheLimits } from "#vault/key-cache.ts";
import { createKeyLoader, type KeyEvent, type KeyLoader } from "#vault/key-loader.ts";
import { createKeysWatch, type KeysHealth, type KeysWatch } from "#vault/keys-watch.ts";
import { renewKeys, withSuccessors, type RenewalDeps } from "#vault/renewal.ts";
import { readShredded, readVersions } from "#vault/store.ts";

/**
 * Fetching fails with "key-unavailable" (the keys process does not answer), "record-damaged" (a
 * stored key does not unwrap), a storage problem, or whatever `onKeys` failed with. When the keys
 * process has been silent for the time of grace, every fetch fails, in memory or not.
 */
export interface KeyAccess {
  /**
   * The newest key of each compartment; one that has none, or whose keys were shredded, is left out
   * of the map. A key near its cap is succeeded by a new version.
   */
  keys(compartments: readonly Compartment[]): Promise<Result<ReadonlyMap<Compartment, DataKey>>>;
  /**
   * The key of one version. Where it does not exist, fails with "record-shredded" when the
   * compartment's keys were destroyed, else with "record-damaged".
   */
  keyAt(compartment: Compartment, dekVersion: number): Promise<Result<DataKey>>;
  /** Every version's key, newest first: a search asks for the tokens of each of them. */
  allKeys(compartment: Compartment): Promise<Result<readonly DataKey[]>>;
  /**
   * As `keys`, but makes the first key where there is none: every compartment is in the map but
   * those that were shredded, which get none ever again.
   */
  create(compartments: readonly Compartment[]): Promise<Result<ReadonlyMap<Compartment, DataKey>>>;
  /**
   * A new version of each compartment's key, by which everything is sealed from then on; those that
   * have no key are left out. Another process may have made the version in the same moment.
   */
  renew(compartments: readonly Compartment[]): Promise<Result<ReadonlyMap<Compartment, DataKey>>>;
  /** Forgets these compartments' keys, or all of them; how many were in memory. */
  evict(compartments: readonly Compartment[] | null): number;
  /** Those of the compartments whose keys were destroyed for good. */
  shredded(compartments: readonly Compartment[]): Promise<Result<ReadonlySet<Compartment>>>;
  /** Whether the keys process is there. */
  health(): KeysHealth;
  /** The newest version in memory of the key's compartment; the key itself when it knows none. */
  newer(key: DataKey): DataKey;
  /** The key if it is in memory. */
  cached(compartment: Compartment, dekVersion: number): DataKey | null;
  /** Forgets all keys and stops looking after their time. */
  close(): void;
}

export interface KeyAccessDeps {
  readonly db: Database;
  readonly keys: KeyService;
  readonly tenant: TenantId;
  readonly clock: Clock;
  /** Awaited before the keys it names are used; when it fails, they are not. */
  readonly onKeys: (event: KeyEvent) => Promise<Result<unknown>>;
  readonly limits?: KeyCacheLimits;
  /** How long keys in memory are used while the keys process does not answer; 120 s by default. */
  readonly graceMs?: number;
  readonly onHealth?: (health: KeysHealth) => void;
}

export const keysWatchDefaults = { graceMs: 120_000, askEveryMs: 2_000 } as const;

const defaultLimits: KeyCacheLimits = { keys: 10_000, residenceMs: 15 * 60_000 };
/** Keys of patients nobody asks for any more must go, too. */
const sweepEveryMs = 60_000;

/** What is in memory, and how the rest comes there. */
interface Store {
  readonly deps: KeyAccessDeps;
  readonly cache: KeyCache;
  readonly watch: KeysWatch;
  readonly loader: KeyLoader;
}

function openStore(deps: KeyAccessDeps): Store {
  const { keys, clock, graceMs = keysWatchDefaults.graceMs, limits = defaultLimits } = deps;
  const cache = createKeyCache(limits, clock);
  const { askEveryMs } = keysWatchDefaults;
  const onHealth = (health: KeysHealth): void => {
    if (health === "gone") cache.clear();
    deps.onHealth?.(health);
  };
  const watch = createKeysWatch({ keys, clock, graceMs, askEveryMs, onHealth });
  return { deps, cache, watch, loader: createKeyLoader({ ...deps, keys: watch.service, cache }) };
}

type Fetching = Pick<KeyAccess, "cached" | "keyAt" | "keys" | "shredded">;

/** The ways to a key that exists. */
function fetching({ deps, cache, watch, loader }: Store): Fetching {
  const { db, tenant } = deps;
  const isGone = (): boolean => watch.health() === "gone";
  const load: KeyLoader["load"] = async (asked) =>
    isGone() ? refuse("key-unavailable") : loader.load(asked);
  const newest = (compartment: Compartment): DataKey | Promise<Result<DataKey | null>> =>
    (isGone() ? null : cache.newest(compartment)) ?? load({ compartment, dekVersion: null });

  const shredded: KeyAccess["shredded"] = (compartments) =>
    attempt(() => readShredded(db, tenant, compartments));
  const cached: KeyAccess["cached"] = (compartment, dekVersion) =>
    isGone() ? null : cache.at(compartment, dekVersion);
  const keyAt: KeyAccess["keyAt"] = async (compartment, dekVersion) => {
    const held = cached(compartment, dekVersion);
    if (held !== null) return ok(held);
    const loaded = await load({ compartment, dekVersion });
    if (!loaded.ok) return loaded;
    return loaded.value === null ? refuseAbsent(compartment, shredded) : ok(loaded.value);
  };
  const keys: KeyAccess["keys"] = async (compartments) => {
    const found = await gather(compartments, newest);
    if (!found.ok) return found;
    return ok(await withSuccessors({ db, tenant, loader, keyAt }, found.value));
  };
  return { cached, keyAt, keys, shredded };
}

/** Opens the way to data keys; closed by who opened it. */
export function createKeyAccess(deps: KeyAccessDeps): KeyAccess {
  const store = openStore(deps);
  const { cache, watch, loader } = store;
  const { db, tenant } = deps;
  const ways = fetching(store);
  const renewal: RenewalDeps = { db, tenant, loader, keyAt: ways.keyAt };
  const sweeping = setInterval(() => cache.sweep(), sweepEveryMs).unref();
  return {
    ...ways,
    create: (compartments) => createMissing({ ...ways, loader }, compartments),
    renew: (compartments) => renewKeys(renewal, compartments),
    allKeys: async (compartment) => {
      const versions = await attempt(() => readVersions(db, tenant, compartment));
      if (!versions.ok) return versions;
      return inOrder(versions.value.map((version) => ways.keyAt(compartment, version)));
    },
    newer: (key) => {
      const known = cache.newest(key.compartment);
      return known === null || known.dekVersion < key.dekVersion ? key : known;
    },
    evict: (compartments) => {
      if (compartments !== null) return cache.evict(compartments);
      const { size } = cache;
      cache.clear();
      return size;
    },
    health: () => watch.health(),
    close: () => {
      clearInterval(sweeping);
      watch.close();
      cache.clear();
    },
  };
}

async function refuseAbsent(
  compartment: Compartment,
  shredded: KeyAccess["shredded"],
): Promise<Result<never>> {
  const gone = await shredded([compartment]);
  if (!gone.ok) return gone;
  return gone.value.has(compartment)
    ? refuse("record-shredded")
    : refuse("record-damaged", { detail: "the key of this version is not there" });
}

/** The key of each distinct compartment that has one; those in memory without waiting. */
async function gather(
  compartments: readonly Compartment[],
  newest: (compartment: Compartment) => DataKey | Promise<Result<DataKey | null>>,
): Promise<Result<ReadonlyMap<Compartment, DataKey>>> {
  const found = new Map<Compartment, DataKey>();
  const loading: Promise<Result<DataKey | null>>[] = [];
  for (const compartment of new Set(compartments)) {
    const key = newest(compartment);
    if (key instanceof Promise) loading.push(key);
    else found.set(compartment, key);
  }
  const loaded = await inOrder(loading);
  if (!loaded.ok) return loaded;
  for (const key of loaded.value) if (key !== null) found.set(key.compartment, key);
  return ok(found);
}

async function inOrder<T>(results: readonly Promise<Result<T>>[]): Promise<Result<readonly T[]>> {
  const values: T[] = [];
  for (const result of await Promise.all(results)) {
    if (!result.ok) return result;
    values.push(result.value);
  }
  return ok(values);
}

async function createMissing(
  { loader, keys, shredded }: Pick<KeyAccess, "keys" | "shredded"> & { readonly loader: KeyLoader },
  compartments: readonly Compartment[],
): Promise<Result<ReadonlyMap<Compartment, DataKey>>> {
  const known = await keys(compartments);
  if (!known.ok) return known;
  const absent = [...new Set(compartments)].filter((compartment) => !known.value.has(compartment));
  if (absent.length === 0) return known;
  const gone = await shredded(absent);
  if (!gone.ok) return gone;
  const missing = absent.filter((compartment) => !gone.value.has(compartment));
  const made = new Map(known.value);
  for (let from = 0; from < missing.length; from += keyLimits.keysPerRequest) {
    const batch = missing.slice(from, from + keyLimits.keysPerRequest);
    const some = await loader.make(batch.map((compartment) => ({ compartment, dekVersion: 1 })));
    if (!some.ok) return some;
    for (const key of some.value) made.set(key.compartment, key);
  }
  // Another maker was faster with these, or they would have been made.
  const others = await keys(missing.filter((compartment) => !made.has(compartment)));
  if (!others.ok) return others;
  for (const [compartment, key] of others.value) made.set(compartment, key);
  return ok(made);
}
