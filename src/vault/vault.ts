import type { Clock } from "#core/clock.ts";
import type { Pseudonym, ResourceId, TenantId } from "#core/ids.ts";
import type { KeyService } from "#core/key-service.ts";
import { keyLimits } from "#core/key-wire.ts";
import type { Random } from "#core/random.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Database } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { materialOf, type Compartment, type DataKey } from "#vault/data-key.ts";
import { createKeyCache, type KeyCacheLimits } from "#vault/key-cache.ts";
import { createKeyLoader, type KeyEvent, type KeyLoader } from "#vault/key-loader.ts";
import { pseudonymOf } from "#vault/pseudonym.ts";
import { createRecordCipher, type RecordCipher } from "#vault/record-cipher.ts";
import { renewKeys } from "#vault/renewal.ts";
import { readVersions } from "#vault/store.ts";

export { parseCompartment, type Compartment, type DataKey } from "#vault/data-key.ts";
export type { KeyEvent } from "#vault/key-loader.ts";
export type { RecordPlace } from "#vault/record-cipher.ts";

/**
 * Fetching fails with "key-unavailable" (the keys process does not answer), "record-damaged" (a
 * stored key does not unwrap), a storage problem, or whatever `onKeys` failed with.
 */
export interface Vault extends RecordCipher {
  /** The same for the same id for ever; of an id it was not told, nobody can compute it. */
  pseudonymOf(patient: ResourceId): Pseudonym;
  /** The newest key of each compartment; one that has none is left out of the map. */
  keys(compartments: readonly Compartment[]): Promise<Result<ReadonlyMap<Compartment, DataKey>>>;
  /** The key of one version; fails with "record-damaged" where that version does not exist. */
  keyAt(compartment: Compartment, dekVersion: number): Promise<Result<DataKey>>;
  /** Every version's key, newest first: a search asks for the tokens of each of them. */
  allKeys(compartment: Compartment): Promise<Result<readonly DataKey[]>>;
  /** As `keys`, but makes the first key where there is none: every compartment is in the map. */
  create(compartments: readonly Compartment[]): Promise<Result<ReadonlyMap<Compartment, DataKey>>>;
  /**
   * A new version of each compartment's key, by which everything is sealed from then on; those that
   * have no key are left out. Another process may have made the version in the same moment.
   */
  renew(compartments: readonly Compartment[]): Promise<Result<ReadonlyMap<Compartment, DataKey>>>;
  /** Forgets these compartments' keys, or all of them; how many were in memory. */
  evict(compartments: readonly Compartment[] | null): number;
  /** The key if it is in memory. */
  cached(compartment: Compartment, dekVersion: number): DataKey | null;
  /** Forgets all keys and stops looking after their time. */
  close(): void;
}

export interface VaultDeps {
  readonly db: Database;
  readonly keys: KeyService;
  readonly tenant: TenantId;
  readonly random: Random;
  readonly clock: Clock;
  /** Awaited before the keys it names are used; when it fails, they are not. */
  readonly onKeys: (event: KeyEvent) => Promise<Result<unknown>>;
  readonly limits?: KeyCacheLimits;
}

const defaultLimits: KeyCacheLimits = { keys: 20_000, residenceMs: 15 * 60_000 };
/** Keys of patients nobody asks for any more must go, too. */
const sweepEveryMs = 60_000;

/** Version 1 makes the pseudonyms, whatever version seals: they must never change. */
const pseudonymKeyVersion = 1;

/** Makes the organisation's key if there is none yet. Fails as fetching does. */
export async function createVault(deps: VaultDeps): Promise<Result<Vault>> {
  const { tenant, random, clock, limits = defaultLimits } = deps;
  const cache = createKeyCache(limits, clock);
  const loader = createKeyLoader({ ...deps, cache });
  const sweeping = setInterval(() => cache.sweep(), sweepEveryMs).unref();
  const close = (): void => {
    clearInterval(sweeping);
    cache.clear();
  };

  const newest = (compartment: Compartment): DataKey | Promise<Result<DataKey | null>> =>
    cache.newest(compartment) ?? loader.load({ compartment, dekVersion: null });

  const keys: Vault["keys"] = async (compartments) => gather(compartments, newest);
  const keyAt: Vault["keyAt"] = async (compartment, dekVersion) =>
    atVersion(loader, { compartment, dekVersion }, cache.at(compartment, dekVersion));
  const create: Vault["create"] = async (compartments) => createMissing(loader, keys, compartments);

  const organisation = await create(["organisation"]);
  const first = organisation.ok ? await keyAt("organisation", pseudonymKeyVersion) : organisation;
  if (!first.ok) {
    close();
    return first;
  }
  const pseudonymKey = materialOf(first.value).pseudonym();

  return ok({
    ...createRecordCipher(tenant, random),
    pseudonymOf: (patient) => pseudonymOf(pseudonymKey, tenant, patient),
    cached: (compartment, dekVersion) => cache.at(compartment, dekVersion),
    keys,
    keyAt,
    create,
    renew: (compartments) => renewKeys({ ...deps, loader, keyAt }, compartments),
    evict: (compartments) => {
      if (compartments !== null) return cache.evict(compartments);
      const { size } = cache;
      cache.clear();
      return size;
    },
    close,
    allKeys: async (compartment) => {
      const versions = await attempt(() => readVersions(deps.db, tenant, compartment));
      if (!versions.ok) return versions;
      return inOrder(versions.value.map((version) => keyAt(compartment, version)));
    },
  });
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

async function atVersion(
  loader: KeyLoader,
  asked: { readonly compartment: Compartment; readonly dekVersion: number },
  cached: DataKey | null,
): Promise<Result<DataKey>> {
  if (cached !== null) return ok(cached);
  const loaded = await loader.load(asked);
  if (!loaded.ok) return loaded;
  return loaded.value === null
    ? refuse("record-damaged", { detail: "the key of this version is not there" })
    : ok(loaded.value);
}

async function createMissing(
  loader: KeyLoader,
  keys: Vault["keys"],
  compartments: readonly Compartment[],
): Promise<Result<ReadonlyMap<Compartment, DataKey>>> {
  const known = await keys(compartments);
  if (!known.ok) return known;
  const missing = [...new Set(compartments)].filter((compartment) => !known.value.has(compartment));
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
