import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import { ok, type Result } from "#core/result.ts";
import { testVault, type TestVault } from "#vault/testing.ts";

function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? "" : result.problem.code);
  return result.value;
}

function patient(): Pseudonym {
  const pseudonym = parsePseudonym(randomUUID());
  assert.ok(pseudonym !== null);
  return pseudonym;
}

/** As the keeper does it: the mark and the keys in one transaction. */
async function shred({ database }: TestVault, who: Pseudonym): Promise<void> {
  await database.as("phylax_keeper").transaction(async (tx) => {
    await tx.query(
      `INSERT INTO keyring.shredded (compartment, at, reason, officer, second_officer, last_epoch)
       VALUES ($1, now(), 'asked for it', 'ana', 'ben', 1)`,
      [who],
    );
    await tx.query("DELETE FROM keyring.data_key WHERE compartment = $1", [who]);
  });
}

test("a shredded patient is left out, is told apart from an unknown one, and gets no new key", async (t) => {
  const world = await testVault(t);
  const { vault } = world;
  const [gone, living, unknown] = [patient(), patient(), patient()];
  value(await vault.create([gone, living]));
  await shred(world, gone);
  assert.equal(vault.evict([gone]), 1);
  assert.deepEqual([...value(await vault.keys([gone, living])).keys()], [living]);
  assert.deepEqual([...value(await vault.create([gone, unknown])).keys()], [unknown]);
  assert.deepEqual([...value(await vault.shredded([gone, living, unknown]))], [gone]);
  assert.deepEqual([...value(await vault.renew([gone])).keys()], []);
});

test("a version of a shredded key is shredded; one that never was is damaged", async (t) => {
  const world = await testVault(t);
  const [gone, living] = [patient(), patient()];
  value(await world.vault.create([gone, living]));
  await shred(world, gone);
  world.vault.evict([gone]);
  const codes = [await world.vault.keyAt(gone, 1), await world.vault.keyAt(living, 9)].map(
    (result) => !result.ok && result.problem.code,
  );
  assert.deepEqual(codes, ["record-shredded", "record-damaged"]);
});

test("a shredded key whose row comes back with a backup still opens nothing", async (t) => {
  const world = await testVault(t);
  const gone = patient();
  value(await world.vault.create([gone]));
  const columns = "compartment, dek_version, kek_epoch, wrapped, commitment, created_at, tenant";
  const keeper = world.database.as("phylax_keeper");
  const [row] = await keeper.query<{ row: string }>(
    `SELECT to_json(k)::text AS row FROM keyring.data_key k WHERE compartment = $1`,
    [gone],
  );
  await shred(world, gone);
  await keeper.query(
    `INSERT INTO keyring.data_key (${columns})
     SELECT ${columns} FROM json_populate_record(null::keyring.data_key, $1::json)`,
    [row?.row],
  );
  const cold = await world.another();
  assert.deepEqual([...value(await cold.keys([gone]))], []);
  const exact = await cold.keyAt(gone, 1);
  assert.equal(!exact.ok && exact.problem.code, "record-shredded");
});

test("a key that was read just before it was shredded does not stay in memory after", async (t) => {
  const world = await testVault(t);
  const gone = patient();
  value(await world.vault.create([gone]));
  let shredding: Promise<void> | null = null;
  const cold = await world.another({
    onKeys: async ({ keys }) => {
      if (keys.some(({ compartment }) => compartment === gone)) {
        shredding ??= shred(world, gone);
        await shredding;
        cold.evict([gone]);
      }
      return ok(null);
    },
  });
  assert.deepEqual([...value(await cold.keys([gone]))], []);
  assert.equal(cold.cached(gone, 1), null);
});
