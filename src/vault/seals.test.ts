import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { parsePseudonym, parseResourceId, parseResourceType, type Pseudonym } from "#core/ids.ts";
import type { KeyService } from "#core/key-service.ts";
import { refuse } from "#core/problem.ts";
import type { Result } from "#core/result.ts";
import { materialOf } from "#vault/data-key.ts";
import { looseSealsPerBlock } from "#vault/loose-seals.ts";
import { renewalMarginSeals, sealsPerKeyMax } from "#vault/record-cipher.ts";
import { testVault, type TestVault } from "#vault/testing.ts";
import type { DataKey, RecordPlace, Vault } from "#vault/vault.ts";

function known<T>(value: T | null | undefined): T {
  assert.ok(value !== null && value !== undefined);
  return value;
}

function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? "" : result.problem.code);
  return result.value;
}

const patient = (): Pseudonym => known(parsePseudonym(randomUUID()));

const keyOf = async (vault: Vault, who: Pseudonym): Promise<DataKey> =>
  known(value(await vault.create([who])).get(who));

const placeOf = ({ database }: TestVault, key: DataKey): RecordPlace => ({
  tenant: database.tenant,
  compartment: key.compartment,
  type: known(parseResourceType("Observation")),
  id: known(parseResourceId("a")),
  version: 1,
  dekVersion: key.dekVersion,
});

async function setSeals({ db }: TestVault, who: Pseudonym, seals: number): Promise<void> {
  await db.query("UPDATE keyring.data_key SET seals = $2 WHERE compartment = $1", [who, seals]);
}

async function sealsOf({ db }: TestVault, who: Pseudonym): Promise<number | undefined> {
  const [row] = await db.query<{ seals: number }>(
    "SELECT seals FROM keyring.data_key WHERE compartment = $1 ORDER BY dek_version",
    [who],
  );
  return row?.seals;
}

test("a key comes into memory with the count of all seals that were ever stored", async (t) => {
  const world = await testVault(t);
  const who = patient();
  await keyOf(world.vault, who);
  await setSeals(world, who, 4_711);
  const cold = await world.another();
  assert.equal(materialOf(known(value(await cold.keys([who])).get(who))).seals, 4_711);
});

test("a key near its cap is succeeded before it reaches it, and still opens what it sealed", async (t) => {
  const world = await testVault(t);
  const who = patient();
  const old = await keyOf(world.vault, who);
  const sealed = world.vault.seal(old, placeOf(world, old), Buffer.from("x"));
  await setSeals(world, who, sealsPerKeyMax - renewalMarginSeals - 1);
  const cold = await world.another();
  const last = known(value(await cold.keys([who])).get(who));
  assert.equal(last.dekVersion, 1);
  cold.seal(last, placeOf(world, last), Buffer.from("y"));
  const next = known(value(await cold.keys([who])).get(who));
  assert.equal(next.dekVersion, 2);
  assert.equal(known(value(await cold.keys([who])).get(who)), next);
  const opening = value(await cold.keyAt(who, 1));
  assert.equal(cold.open(opening, placeOf(world, opening), sealed)?.toString(), "x");
});

test("many who ask at once for a key near its cap get the same successor", async (t) => {
  const world = await testVault(t);
  const who = patient();
  await keyOf(world.vault, who);
  await setSeals(world, who, sealsPerKeyMax - 1);
  const [one, other] = [await world.another(), await world.another()];
  const asked = [one, other, one, other].map(async (vault) =>
    known(value(await vault.keys([who])).get(who)),
  );
  assert.deepEqual(
    (await Promise.all(asked)).map(({ dekVersion }) => dekVersion),
    [2, 2, 2, 2],
  );
});

test("while no successor can be made the margin is used, and the cap is never passed", async (t) => {
  const world = await testVault(t);
  const who = patient();
  await keyOf(world.vault, who);
  await setSeals(world, who, sealsPerKeyMax - 1);
  const keys: KeyService = {
    ...world.keys.service,
    generate: async () => refuse("key-unavailable"),
  };
  const cold = await world.another({ keys });
  const key = known(value(await cold.keys([who])).get(who));
  assert.equal(key.dekVersion, 1);
  cold.seal(key, placeOf(world, key), Buffer.from("last"));
  assert.throws(() => cold.seal(key, placeOf(world, key), Buffer.from("one more")), /worn out/);
});

test("a seal outside of any row is counted before it is made", async (t) => {
  const world = await testVault(t);
  const who = patient();
  const key = await keyOf(world.vault, who);
  for (let n = 0; n < 3; n += 1)
    value(await world.vault.sealLoose(key, placeOf(world, key), Buffer.from("x")));
  assert.equal(await sealsOf(world, who), looseSealsPerBlock);
  const rest = looseSealsPerBlock - 2;
  for (let n = 0; n < rest; n += 1)
    value(await world.vault.sealLoose(key, placeOf(world, key), Buffer.from("x")));
  assert.equal(await sealsOf(world, who), 2 * looseSealsPerBlock);
});

test("nothing is sealed loosely under a key that was taken away", async (t) => {
  const world = await testVault(t);
  const who = patient();
  const key = await keyOf(world.vault, who);
  await world.database
    .as("phylax_keeper")
    .query("DELETE FROM keyring.data_key WHERE compartment = $1", [who]);
  const sealed = await world.vault.sealLoose(key, placeOf(world, key), Buffer.from("x"));
  assert.equal(!sealed.ok && sealed.problem.code, "key-unavailable");
});

test("a renewed key is the newest from then on, and each renewal makes another", async (t) => {
  const { vault } = await testVault(t);
  const [who, nobody] = [patient(), patient()];
  await keyOf(vault, who);
  assert.deepEqual([...value(await vault.renew([who, nobody])).keys()], [who]);
  assert.equal(value(await vault.keys([who])).get(who)?.dekVersion, 2);
  value(await vault.renew([who]));
  assert.equal(value(await vault.keys([who])).get(who)?.dekVersion, 3);
});
