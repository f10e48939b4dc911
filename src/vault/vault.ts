import type { Pseudonym, ResourceId } from "#core/ids.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { materialOf, type DataKey } from "#vault/data-key.ts";
import { createKeyAccess, type KeyAccess, type KeyAccessDeps } from "#vault/key-access.ts";
import { createLooseSeals } from "#vault/loose-seals.ts";
import { pseudonymOf } from "#vault/pseudonym.ts";
import { createRecordCipher, type RecordCipher, type RecordPlace } from "#vault/record-cipher.ts";

export { parseCompartment, type Compartment, type DataKey } from "#vault/data-key.ts";
export type { KeysHealth } from "#vault/keys-watch.ts";
export type { KeyEvent } from "#vault/key-loader.ts";
export type { RecordPlace } from "#vault/record-cipher.ts";

/** Keys, and what is done with them. A pack is made by `packLoose` alone, which counts it. */
export interface Vault extends Omit<RecordCipher, "pack">, KeyAccess {
  /** The same for the same id for ever; of an id it was not told, nobody can compute it. */
  pseudonymOf(patient: ResourceId): Pseudonym;
  /**
   * Seals what is no row and so has no transaction in which the seal is counted: counts it before.
   * Fails as fetching does.
   */
  sealLoose(key: DataKey, place: RecordPlace, plain: Buffer): Promise<Result<Buffer>>;
  /** Many records as one such message: see RecordCipher. Fails as fetching does. */
  packLoose(key: DataKey, place: RecordPlace, records: readonly Buffer[]): Promise<Result<Buffer>>;
}

export interface VaultDeps extends KeyAccessDeps {
  readonly random: Random;
  /** Number of this process; as Node has it by default. */
  readonly pid?: () => number;
}

/** Version 1 makes the pseudonyms, whatever version seals: they must never change. */
const pseudonymKeyVersion = 1;

/** Makes the organisation's key if there is none yet. Fails as fetching does. */
export async function createVault(deps: VaultDeps): Promise<Result<Vault>> {
  const { db, tenant, random, clock, pid = () => process.pid } = deps;
  const access = createKeyAccess(deps);
  const organisation = await access.create(["organisation"]);
  const first = organisation.ok
    ? await access.keyAt("organisation", pseudonymKeyVersion)
    : organisation;
  if (!first.ok) {
    access.close();
    return first;
  }
  const pseudonymKey = materialOf(first.value).pseudonym();
  const cipher = createRecordCipher(tenant, { random, clock, pid });
  const countLoose = createLooseSeals(db, tenant);
  const counted = async (key: DataKey, seal: () => Buffer): Promise<Result<Buffer>> => {
    const told = await countLoose(key);
    return told.ok ? ok(seal()) : told;
  };
  return ok({
    ...access,
    ...cipher,
    pseudonymOf: (patient) => pseudonymOf(pseudonymKey, tenant, patient),
    sealLoose: (key, place, plain) => counted(key, () => cipher.seal(key, place, plain)),
    packLoose: (key, place, records) => counted(key, () => cipher.pack(key, place, records)),
  });
}
