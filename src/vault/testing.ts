import type { TestContext } from "node:test";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { ok } from "#core/result.ts";
import { testKeys, type TestKeys } from "#keys/testing.ts";
import type { Database } from "#storage/database.ts";
import { testDatabase, type TestDatabase } from "#storage/testing.ts";
import { createVault, type KeyEvent, type Vault, type VaultDeps } from "#vault/vault.ts";

export interface TestVault {
  readonly vault: Vault;
  readonly keys: TestKeys;
  readonly database: TestDatabase;
  readonly db: Database;
  /** What `onKeys` was told, in order. */
  readonly events: readonly KeyEvent[];
  /** A second vault on the same table and keys, as another process would have it. */
  readonly another: (changed?: Partial<VaultDeps>) => Promise<Vault>;
}

/** A vault on a fresh database, with a keys process of its own behind HTTP. */
export async function testVault(t: TestContext, given?: TestDatabase): Promise<TestVault> {
  const database = given ?? (await testDatabase(t));
  const db = database.as("phylax_records");
  const keys = await testKeys(t);
  const events: KeyEvent[] = [];
  const another: TestVault["another"] = async (changed = {}) => {
    const vault = await createVault({
      db,
      keys: keys.service,
      tenant: database.tenant,
      random: systemRandom,
      clock: systemClock,
      onKeys: async (event) => {
        events.push(event);
        return ok(null);
      },
      ...changed,
    });
    if (!vault.ok) throw new Error(vault.problem.code);
    t.after(() => vault.value.close());
    return vault.value;
  };
  return { vault: await another(), keys, database, db, events, another };
}
