import type { TenantId } from "#core/ids.ts";
import { keyLimits } from "#core/key-wire.ts";
import { ok, type Result } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { materialOf, type Compartment, type DataKey } from "#vault/data-key.ts";
import type { KeyLoader, NewKey } from "#vault/key-loader.ts";
import { renewalMarginSeals, sealsPerKeyMax } from "#vault/record-cipher.ts";
import { readNewestVersions } from "#vault/store.ts";

export interface RenewalDeps {
  readonly db: Queryable;
  readonly tenant: TenantId;
  readonly loader: KeyLoader;
  readonly keyAt: (compartment: Compartment, dekVersion: number) => Promise<Result<DataKey>>;
}

/** The next version of each compartment's key; those that have none are left out. Fails as fetching does. */
export async function renewKeys(
  deps: RenewalDeps,
  compartments: readonly Compartment[],
): Promise<Result<ReadonlyMap<Compartment, DataKey>>> {
  const renewed = new Map<Compartment, DataKey>();
  const distinct = [...new Set(compartments)];
  for (let from = 0; from < distinct.length; from += keyLimits.keysPerRequest) {
    const batch = await renewSome(deps, distinct.slice(from, from + keyLimits.keysPerRequest));
    if (!batch.ok) return batch;
    for (const key of batch.value) renewed.set(key.compartment, key);
  }
  return ok(renewed);
}

async function renewSome(
  deps: RenewalDeps,
  compartments: readonly Compartment[],
): Promise<Result<readonly DataKey[]>> {
  const { db, tenant } = deps;
  const newest = await attempt(() => readNewestVersions(db, tenant, compartments));
  if (!newest.ok) return newest;
  const asked = compartments.flatMap((compartment) => {
    const version = newest.value.get(compartment);
    return version === undefined ? [] : [{ compartment, dekVersion: version + 1 }];
  });
  return makeOrFetch(deps, asked);
}

/** These very versions: ours, or those of whoever was faster. */
async function makeOrFetch(
  { loader, keyAt }: RenewalDeps,
  asked: readonly NewKey[],
): Promise<Result<readonly DataKey[]>> {
  if (asked.length === 0) return ok([]);
  const made = await loader.make(asked);
  if (!made.ok) return made;
  const keys = [...made.value];
  const own = new Set(keys.map(({ compartment }) => compartment));
  for (const { compartment, dekVersion } of asked) {
    if (own.has(compartment)) continue;
    const theirs = await keyAt(compartment, dekVersion);
    if (!theirs.ok) return theirs;
    keys.push(theirs.value);
  }
  return ok(keys);
}

const isWorn = (key: DataKey): boolean =>
  materialOf(key).seals >= sealsPerKeyMax - renewalMarginSeals;

/**
 * The same keys, but the successor of each that comes near its cap. Where none can be had now the
 * key itself goes on: it has a margin for that.
 */
export async function withSuccessors(
  deps: RenewalDeps,
  keys: ReadonlyMap<Compartment, DataKey>,
): Promise<ReadonlyMap<Compartment, DataKey>> {
  const worn = [...keys.values()].filter(isWorn);
  if (worn.length === 0) return keys;
  const made = await makeOrFetch(
    deps,
    worn.map(({ compartment, dekVersion }) => ({ compartment, dekVersion: dekVersion + 1 })),
  );
  if (!made.ok) return keys;
  return new Map([...keys, ...made.value.map((key) => [key.compartment, key] as const)]);
}
