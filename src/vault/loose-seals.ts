import type { TenantId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import type { DataKey } from "#vault/data-key.ts";
import { addSeals } from "#vault/store.ts";

/** Seals counted at once for what is not stored; those left over when the process ends stay counted. */
export const looseSealsPerBlock = 1_024;

/**
 * Counts seals of messages that are no rows, hence have no transaction to be counted in: before
 * they are made, a block at a time, so that the table never says fewer than there were. Fails as
 * "storage-unavailable", or as "key-unavailable" when the key was taken away.
 */
export function createLooseSeals(
  db: Queryable,
  tenant: TenantId,
): (key: DataKey) => Promise<Result<null>> {
  const left = new WeakMap<DataKey, number>();
  return async (key) => {
    const counted = left.get(key) ?? 0;
    if (counted > 0) {
      left.set(key, counted - 1);
      return ok(null);
    }
    const { compartment, dekVersion } = key;
    const added = await attempt(() =>
      addSeals(db, tenant, { compartment, dekVersion, seals: looseSealsPerBlock }),
    );
    if (!added.ok) return added;
    if (!added.value) return refuse("key-unavailable", { detail: "this key was taken away" });
    left.set(key, (left.get(key) ?? 0) + looseSealsPerBlock - 1);
    return ok(null);
  };
}
