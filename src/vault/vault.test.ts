import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { parsePseudonym, parseResourceId, type Pseudonym, type ResourceId } from "#core/ids.ts";
import type { KeyService } from "#core/key-service.ts";
import { refuse } from "#core/problem.ts";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { testDatabase } from "#storage/testing.ts";
import { testVault } from "#vault/testing.ts";
import { createVault, type Compartment, type DataKey, type Vault } from "#vault/vault.ts";

function patient(): Pseudonym {
  const pseudonym = parsePseudonym(randomUUID());
  assert.ok(pseudonym !== null);
  return pseudonym;
}

function idOf(text: string): ResourceId {
  const id = parseResourceId(text);
  assert.ok(id !== null);
  return id;
}

function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? "" : result.problem.code);
  return result.value;
}

function codeOf(result: Result<unknown>): string {
  assert.ok(!result.ok);
  return result.problem.code;
}

async function keyOf(vault: Vault, compartment: Compartment): Promise<DataKey> {
  const key = value(await vault.create([compartment])).get(compartment);
  assert.ok(key !== undefined);
  return key;
}

test("a token made in one process is found in another, after the key came back", async (t) => {
  const { vault, another } = await testVault(t);
  const who = patient();
  const token = vault.token(await keyOf(vault, who), "status=final");
  const there = value(await (await another()).keys([who])).get(who);
  assert.ok(there !== undefined);
  assert.equal(vault.token(there, "status=final"), token);
});

test("a compartment without a key is left out, and one that has it is not made again", async (t) => {
  const { vault, events } = await testVault(t);
  const [known, unknown] = [patient(), patient()];
  const made = await keyOf(vault, known);
  assert.deepEqual([...value(await vault.keys([known, unknown])).keys()], [known]);
  assert.equal(await keyOf(vault, known), made);
  assert.deepEqual(
    events.map(({ action, keys }) => [action, keys.map(({ compartment }) => compartment)]),
    [
      ["key-create", ["organisation"]],
      ["key-create", [known]],
    ],
  );
});

test("two processes making the same patient's key at once end with the same key", async (t) => {
  const { vault, another } = await testVault(t);
  const other = await another();
  const who = Array.from({ length: 20 }, patient);
  const [ours, theirs] = await Promise.all([vault.create(who), other.create(who.toReversed())]);
  for (const one of who) {
    const [a, b] = [value(ours).get(one), value(theirs).get(one)];
    assert.ok(a !== undefined && b !== undefined);
    assert.equal(vault.token(a, "x"), other.token(b, "x"));
  }
});

test("however many ask for a cold key at once, it is unwrapped once", async (t) => {
  const { vault, another, keys } = await testVault(t);
  const who = [patient(), patient()];
  value(await vault.create(who));
  const cold = await another();
  const before = keys.uses.length;
  const found = await Promise.all(Array.from({ length: 50 }, () => cold.keys(who)));
  assert.ok(found.every((keysOf) => value(keysOf).size === 2));
  assert.deepEqual(keys.uses.slice(before), [
    { action: "unwrap", who: "records", asked: 2, given: 2 },
  ]);
});

test("a key in memory is used without asking anyone", async (t) => {
  const { vault, keys } = await testVault(t);
  const who = patient();
  assert.equal(vault.cached(who, 1), null);
  const key = await keyOf(vault, who);
  const before = keys.uses.length;
  assert.equal(vault.cached(who, 1), key);
  assert.equal(value(await vault.keys([who])).get(who), key);
  assert.equal(value(await vault.keyAt(who, 1)), key);
  assert.equal(keys.uses.length, before);
});

test("a key that was asked for both as the newest and by its version is one key", async (t) => {
  const { vault, another } = await testVault(t);
  const who = patient();
  value(await vault.create([who]));
  const cold = await another();
  const [newest, exact] = await Promise.all([cold.keys([who]), cold.keyAt(who, 1)]);
  assert.equal(value(newest).get(who), value(exact));
});

test("a version that never was is a damaged record, not an unknown patient", async (t) => {
  const { vault } = await testVault(t);
  const who = patient();
  await keyOf(vault, who);
  assert.equal(codeOf(await vault.keyAt(who, 2)), "record-damaged");
});

test("no key is used before it is recorded, and none when it cannot be", async (t) => {
  const { vault, another } = await testVault(t);
  const who = patient();
  value(await vault.create([who]));
  let down = false;
  const guarded = await another({
    onKeys: async () => (down ? refuse("audit-unavailable") : ok(null)),
  });
  down = true;
  assert.equal(codeOf(await guarded.keys([who])), "audit-unavailable");
  assert.equal(guarded.cached(who, 1), null);
  const fresh = patient();
  assert.equal(codeOf(await guarded.create([fresh])), "audit-unavailable");
  assert.equal(guarded.cached(fresh, 1), null);
  down = false;
  assert.equal(value(await guarded.create([who, fresh])).size, 2);
});

test("without the keys process a vault does not open, and an open one gives no cold key", async (t) => {
  const { vault, another, database, db, keys } = await testVault(t);
  const who = patient();
  value(await vault.create([who]));
  const gone = async (): Promise<Result<never>> => refuse("key-unavailable");
  const dead: KeyService = { unwrap: gone, generate: gone, status: gone };
  const refused = await createVault({
    db,
    keys: dead,
    tenant: database.tenant,
    random: systemRandom,
    clock: systemClock,
    onKeys: async () => ok(null),
  });
  assert.equal(codeOf(refused), "key-unavailable");
  let service = keys.service;
  const cold = await another({
    keys: {
      unwrap: (asked) => service.unwrap(asked),
      generate: (...asked) => service.generate(...asked),
      status: () => service.status(),
    },
  });
  service = dead;
  assert.equal(codeOf(await cold.keys([who])), "key-unavailable");
  assert.equal(codeOf(await cold.create([patient()])), "key-unavailable");
  assert.equal(value(await cold.keys(["organisation"])).size, 1);
});

test("without the database a cold key is not to be had, and an unknown one is not made", async (t) => {
  const { vault, another, db } = await testVault(t);
  const who = patient();
  value(await vault.create([who]));
  let down = false;
  const lost = Object.assign(new Error("connection lost"), { code: "ECONNREFUSED" });
  const cut = await another({
    db: {
      ...db,
      query: (statement, values) => (down ? Promise.reject(lost) : db.query(statement, values)),
    },
  });
  down = true;
  assert.equal(codeOf(await cut.keys([who])), "storage-unavailable");
  assert.equal(codeOf(await cut.create([patient()])), "storage-unavailable");
  assert.equal(codeOf(await cut.allKeys(who)), "storage-unavailable");
});

test("the key row of another patient put in place opens nothing", async (t) => {
  const { vault, another, database } = await testVault(t);
  const [ana, bob] = [patient(), patient()];
  value(await vault.create([ana, bob]));
  await database.as("phylax_keeper").query(
    `UPDATE keyring.data_key AS a SET wrapped = b.wrapped FROM keyring.data_key AS b
     WHERE a.compartment = $1 AND b.compartment = $2`,
    [ana, bob],
  );
  const cold = await another();
  assert.equal(codeOf(await cold.keys([ana])), "record-damaged");
});

test("one damaged key does not keep the others asked for meanwhile from opening", async (t) => {
  const { vault, another, database } = await testVault(t);
  const [ana, bob] = [patient(), patient()];
  value(await vault.create([ana, bob]));
  await database
    .as("phylax_keeper")
    .query("UPDATE keyring.data_key SET wrapped = $2 WHERE compartment = $1", [
      ana,
      Buffer.alloc(60),
    ]);
  const cold = await another();
  const [damaged, sound] = await Promise.all([cold.keys([ana]), cold.keys([bob])]);
  assert.equal(codeOf(damaged), "record-damaged");
  assert.equal(value(sound).size, 1);
});

test("a key that was wrapped anew, its old epoch destroyed, while it was fetched is looked up once more", async (t) => {
  const { keys, vault, another } = await testVault(t);
  const who = patient();
  value(await vault.create([who]));
  let asked = 0;
  const unwrap: KeyService["unwrap"] = async (wrapped) => {
    asked += 1;
    // What the keys process says of the row as it was before.
    if (asked === 2) return ok(wrapped.map(() => ({ ok: false, code: "wrong-epoch" }) as const));
    return keys.service.unwrap(wrapped);
  };
  const reader = await another({ keys: { ...keys.service, unwrap } });
  assert.ok(value(await reader.keys([who])).has(who));
  assert.equal(asked, 3);
});

test("a key of an epoch that the ring has lost does not open", async (t) => {
  const { vault, another, database } = await testVault(t);
  const who = patient();
  value(await vault.create([who]));
  await database
    .as("phylax_keeper")
    .query("UPDATE keyring.data_key SET kek_epoch = 9 WHERE compartment = $1", [who]);
  assert.equal(codeOf(await (await another()).keys([who])), "record-damaged");
});

test("a keys process that hands out another key than it wrapped is not believed", async (t) => {
  const { vault, another, keys } = await testVault(t);
  const who = patient();
  value(await vault.create([who]));
  const lying: KeyService = {
    ...keys.service,
    unwrap: async (asked) => ok(asked.map(() => ({ ok: true, key: Buffer.alloc(32, 1) }))),
    generate: async (tenant, asked) => {
      const made = await keys.service.generate(tenant, asked);
      return made.ok ? ok(made.value.map((key) => ({ ...key, key: Buffer.alloc(32, 1) }))) : made;
    },
  };
  await assert.rejects(another({ keys: lying }), /record-damaged/);
  let service = keys.service;
  const turned = await another({
    keys: { ...keys.service, generate: (...asked) => service.generate(...asked) },
  });
  service = lying;
  const fresh = patient();
  assert.equal(codeOf(await turned.create([fresh])), "key-unavailable");
  assert.deepEqual([...value(await vault.keys([fresh]))], []);
});

test("all versions of a key come newest first, and new records take the newest", async (t) => {
  const { vault, another, db, keys, database } = await testVault(t);
  const who = patient();
  value(await vault.create([who]));
  const [second] = value(
    await keys.service.generate(database.tenant, [{ compartment: who, dekVersion: 2 }]),
  );
  assert.ok(second !== undefined);
  await db.query(
    `INSERT INTO keyring.data_key (compartment, dek_version, kek_epoch, wrapped, commitment, created_at)
     VALUES ($1, 2, 1, $2, $3, now())`,
    [
      who,
      Buffer.from(second.wrapped.wrapped, "base64url"),
      Buffer.from(second.wrapped.commitment, "base64url"),
    ],
  );
  const cold = await another();
  const versions = value(await cold.allKeys(who)).map(({ dekVersion }) => dekVersion);
  assert.deepEqual(versions, [2, 1]);
  assert.equal(value(await cold.keys([who])).get(who)?.dekVersion, 2);
  assert.equal(value(await cold.keyAt(who, 1)).dekVersion, 1);
});

test("a key stays its time in memory and no longer, used or not", async (t) => {
  let now = 0;
  const { another, keys } = await testVault(t);
  const clock = { now: () => systemClock.now(), monotonicMs: () => now };
  const vault = await another({ clock, limits: { keys: 10, residenceMs: 1_000 } });
  const who = patient();
  const key = await keyOf(vault, who);
  now = 999;
  assert.equal(vault.cached(who, 1), key);
  now = 1_000;
  assert.equal(vault.cached(who, 1), null);
  const before = keys.uses.length;
  assert.equal(value(await vault.keys([who])).size, 1);
  assert.equal(keys.uses.length, before + 1);
});

test("more keys than memory may hold push out those longest unused", async (t) => {
  const { another } = await testVault(t);
  const vault = await another({ limits: { keys: 3, residenceMs: 60_000 } });
  const [a, b, c] = [patient(), patient(), patient()];
  for (const one of [a, b]) await keyOf(vault, one);
  vault.cached(a, 1);
  for (const one of [c, patient()]) await keyOf(vault, one);
  assert.deepEqual(
    [a, b, c].map((one) => vault.cached(one, 1) !== null),
    [true, false, true],
  );
});

test("a closed vault holds no key", async (t) => {
  const { vault } = await testVault(t);
  const who = patient();
  await keyOf(vault, who);
  vault.close();
  assert.equal(vault.cached(who, 1), null);
  assert.equal(vault.cached("organisation", 1), null);
});

test("a patient's pseudonym is the same in every process and another in every deployment", async (t) => {
  const { vault, another } = await testVault(t);
  const elsewhere = await testVault(t);
  const id = idOf("patient-1");
  const pseudonym = vault.pseudonymOf(id);
  assert.match(pseudonym, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal((await another()).pseudonymOf(id), pseudonym);
  assert.notEqual(elsewhere.vault.pseudonymOf(id), pseudonym);
  assert.notEqual(vault.pseudonymOf(idOf("patient-2")), pseudonym);
});

test("records may neither delete a key nor change it", async (t) => {
  const { db } = await testVault(t);
  const denied = { code: "42501" };
  await assert.rejects(db.query("DELETE FROM keyring.data_key"), denied);
  await assert.rejects(db.query("UPDATE keyring.data_key SET commitment = ''"), denied);
  await assert.rejects(db.query("UPDATE keyring.data_key SET compartment = 'x'"), denied);
  await assert.rejects(db.query("UPDATE keyring.data_key SET wrapped = ''"), denied);
});

for (const role of ["phylax_identity", "phylax_auditor"] as const) {
  test(`${role} cannot see the wrapped keys`, async (t) => {
    const database = await testDatabase(t);
    const db = database.as(role);
    await assert.rejects(db.query("SELECT * FROM keyring.data_key"), { code: "42501" });
  });
}

test("a session of another tenant sees none of this tenant's keys and can add none to it", async (t) => {
  const ours = await testVault(t);
  const row = "SELECT * FROM keyring.data_key";
  assert.equal((await ours.db.query(row)).length, 1);
  const other = await testDatabase(t);
  const foreign = await testVault(t, {
    ...ours.database,
    tenant: other.tenant,
    as: (role, max = 2) => {
      const db = ours.database.as(role, max);
      return {
        ...db,
        query: (statement, values) =>
          db.transaction(async (tx) => {
            await tx.query("SELECT set_config('phylax.tenant', $1, true)", [other.tenant]);
            return tx.query(statement, values);
          }),
      };
    },
  });
  assert.equal((await foreign.db.query(row)).length, 1);
  await assert.rejects(
    foreign.db.query(
      `INSERT INTO keyring.data_key VALUES ($1, 'organisation', 2, 1, $2, $3, now())`,
      [ours.database.tenant, Buffer.alloc(60), Buffer.alloc(32)],
    ),
    { code: "42501" },
  );
});
