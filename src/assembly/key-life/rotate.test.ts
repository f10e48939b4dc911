import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { systemClock } from "#core/clock.ts";
import type { KeyOperator } from "#core/key-service.ts";
import { refuse } from "#core/problem.ts";
import { insertKeys } from "#vault/store.ts";
import { readIdentityKey } from "#vault/keeper-store.ts";
import { parseIdentityKey } from "#assembly/key-life/identity-key.ts";
import { rewrapAll } from "#assembly/key-life/rewrap.ts";
import { rotate } from "#assembly/key-life/rotate.ts";
import {
  codeOf,
  cutAt,
  lockSession,
  makeIdentityKey,
  makeKeys,
  openedKeys,
  somePatient,
  storedKeys,
  testLife,
  valueOf,
  type TestLife,
} from "#assembly/key-life/testing.ts";
import { takeWorkLock } from "#assembly/key-life/work-lock.ts";

const keep = { retireOld: false };
const retire = { retireOld: true };

async function withPeople(
  t: TestContext,
  count = 5,
): Promise<{ test: TestLife; made: ReadonlyMap<string, string> }> {
  const life = await testLife(t);
  const made = await makeKeys(life, [
    "organisation",
    ...Array.from({ length: count }, somePatient),
  ]);
  return { test: life, made };
}

async function epochsOf(life: TestLife): Promise<readonly number[]> {
  return [...new Set((await storedKeys(life)).map(({ key }) => key.kekEpoch))];
}

async function ringOf({ life }: TestLife): Promise<readonly number[]> {
  return valueOf(await life.keys.status()).epochs.map(({ epoch }) => epoch);
}

async function identityOpens(life: TestLife): Promise<{ epoch: number; key: string | null }> {
  const stored = await readIdentityKey(life.life.db);
  const wrapped = parseIdentityKey(stored ?? "null");
  assert.ok(wrapped !== null);
  const [answer] = valueOf(await life.identity.unwrap([wrapped]));
  return { epoch: wrapped.kekEpoch, key: answer?.ok === true ? answer.key.toString("hex") : null };
}

test("after a rotation every key is the same key under the new epoch, identity's too", async (t) => {
  const { test: life, made } = await withPeople(t);
  const identity = await makeIdentityKey(life);
  const before = await openedKeys(life);
  const rotated = valueOf(await life.work((work) => rotate(work, keep)));
  assert.equal(rotated.kekEpoch, 2);
  assert.equal(rotated.rewrapped, made.size + 1);
  assert.deepEqual(await epochsOf(life), [2]);
  assert.deepEqual(await openedKeys(life), before);
  assert.deepEqual(await openedKeys(life), made);
  assert.deepEqual(await identityOpens(life), { epoch: 2, key: identity });
  assert.deepEqual(await ringOf(life), [1, 2]);
});

test("a rotation is in the log before it begins and after it ended", async (t) => {
  const { test: life } = await withPeople(t, 2);
  valueOf(await life.work((work) => rotate(work, keep)));
  assert.deepEqual(
    life.events.map(({ action, reasons, count }) => [action, ...reasons, count]),
    [
      ["key-rotate", "begun", "kek-epoch-2", 0],
      ["key-rotate", "done", "kek-epoch-2", 3],
    ],
  );
});

test("nothing is rotated when the log cannot be written", async (t) => {
  const { test: life } = await withPeople(t, 1);
  const desk = { ...life.life.desk, log: async () => refuse("audit-unavailable") };
  const rotated = await life.work((work) => rotate(work, keep), { desk });
  assert.equal(codeOf(rotated), "audit-unavailable");
  assert.deepEqual(await ringOf(life), [1]);
});

test("keys are read and made while a rotation goes on, and all of them open after it", async (t) => {
  const { test: life } = await withPeople(t, 400);
  const state = { going: true };
  let asked = 0;
  const reading = (async () => {
    while (state.going) {
      const fresh = somePatient();
      const made = await makeKeys(life, [fresh]);
      const opened = await openedKeys(life);
      assert.equal(opened.get(fresh), made.get(fresh));
      assert.ok([...opened.values()].every((key) => key !== null));
      asked += 1;
    }
  })();
  const rotated = await life.work((work) => rotate(work, retire));
  state.going = false;
  await reading;
  valueOf(rotated);
  assert.ok(asked > 0);
  assert.ok([...(await openedKeys(life)).values()].every((key) => key !== null));
});

for (const when of ["before", "after"] as const) {
  test(`a rotation cut off ${when} any of its calls is ended by the next, with one epoch more and no key lost`, async (t) => {
    for (let nth = 1; ; nth += 1) {
      const { test: life, made } = await withPeople(t, 2);
      await makeIdentityKey(life);
      const cut = cutAt(life.life, nth, when);
      const first = await life.work((work) => rotate(work, retire), cut.life);
      const second = valueOf(await life.work((work) => rotate(work, retire)));
      if (!cut.wasCut()) {
        assert.ok(nth > 8, "a rotation makes that many calls");
        return;
      }
      assert.equal(codeOf(first), "upstream-unavailable");
      assert.deepEqual(await ringOf(life), [second.kekEpoch], `cut at ${nth}`);
      assert.equal(second.kekEpoch, 2, `cut at ${nth}`);
      assert.deepEqual(await openedKeys(life), made, `cut at ${nth}`);
      assert.equal(life.life.notes.read("rotation"), null);
    }
  });
}

test("a rotation that was not cut off is followed by one with an epoch of its own", async (t) => {
  const { test: life } = await withPeople(t, 1);
  for (const kekEpoch of [2, 3]) {
    const rotated = valueOf(await life.work((work) => rotate(work, keep)));
    assert.deepEqual([rotated.kekEpoch, rotated.resumed], [kekEpoch, false]);
  }
});

test("retiring destroys the older epochs and leaves one backup beside the new ring", async (t) => {
  const { test: life, made } = await withPeople(t, 3);
  const old = (await storedKeys(life)).map(({ key }) => key);
  valueOf(await life.work((work) => rotate(work, keep)));
  const rotated = valueOf(await life.work((work) => rotate(work, retire)));
  assert.deepEqual(await ringOf(life), [3]);
  assert.deepEqual(await openedKeys(life), made);
  assert.ok([...(await openedKeys(life, old)).values()].every((key) => key === null));
  assert.deepEqual(
    readdirSync(life.backups).map((name) => `${life.backups}/${name}`),
    [rotated.backup],
  );
});

test("a key that does not unwrap is named and left, and keeps its epoch from being destroyed", async (t) => {
  const { test: life } = await withPeople(t, 3);
  const [, broken] = (await storedKeys(life)).map(({ key }) => key);
  assert.ok(broken !== undefined);
  await life.life.db.query("UPDATE keyring.data_key SET wrapped = $2 WHERE compartment = $1", [
    broken.compartment,
    Buffer.alloc(60),
  ]);
  const refused = await life.work((work) => rotate(work, retire));
  assert.equal(codeOf(refused), "record-damaged");
  assert.match(refused.ok ? "" : (refused.problem.detail ?? ""), new RegExp(broken.compartment));
  assert.deepEqual(await ringOf(life), [1, 2]);
  const rotated = valueOf(await life.work((work) => rotate(work, retire), { leaveStuck: true }));
  assert.deepEqual(rotated.stuck, [
    { compartment: broken.compartment, dekVersion: 1, kekEpoch: 1, code: "damaged" },
  ]);
  assert.deepEqual(await ringOf(life), [2]);
});

test("a key that was made before old epochs are destroyed cannot be stored after", async (t) => {
  const { test: life } = await withPeople(t, 1);
  const asked = [{ compartment: somePatient(), dekVersion: 1 }];
  const [late] = valueOf(await life.service.generate(life.life.tenant, asked));
  assert.ok(late !== undefined);
  valueOf(await life.work((work) => rotate(work, retire)));
  await assert.rejects(insertKeys(life.records, [late.wrapped], systemClock.now()), {
    code: "40001",
  });
});

test("of two commands at once the second is refused, and has its turn when the first is gone", async (t) => {
  const { test: life } = await withPeople(t, 1);
  const first = valueOf(await takeWorkLock(lockSession(life.database)));
  assert.equal(codeOf(await life.work((work) => rotate(work, keep))), "key-work-running");
  assert.deepEqual(await ringOf(life), [1]);
  await first.release();
  valueOf(await life.work((work) => rotate(work, keep)));
});

test("work on keys of one tenant does not keep another tenant's waiting", async (t) => {
  const { test: one } = await withPeople(t, 1);
  const held = valueOf(await takeWorkLock(lockSession(one.database)));
  const { test: other } = await withPeople(t, 1);
  valueOf(await other.work((work) => rotate(work, keep)));
  await held.release();
});

test("an epoch that another starts meanwhile ends the work rather than mixing the two", async (t) => {
  const { test: life } = await withPeople(t, 2);
  const { life: kept } = life;
  valueOf(await kept.keys.startEpoch());
  const keys: KeyOperator = {
    ...kept.keys,
    rewrap: async (some) => {
      valueOf(await kept.keys.startEpoch());
      return kept.keys.rewrap(some);
    },
  };
  const rewrapped = await rewrapAll({
    life: { ...kept, keys },
    kekEpoch: 2,
    goOn: () => ({ ok: true, value: null }),
    onProgress: () => {},
  });
  assert.equal(codeOf(rewrapped), "key-work-running");
});

test("the keeper sees no secret of identity but its wrapped key, and may not rename it", async (t) => {
  const { test: life } = await withPeople(t, 1);
  await makeIdentityKey(life);
  await life.database
    .as("phylax_identity")
    .query("INSERT INTO identity.secret (name, sealed) VALUES ('signing-key', '\\x00')");
  const { db } = life.life;
  const names = await db.query<{ name: string }>("SELECT name FROM identity.secret");
  assert.deepEqual(names, [{ name: "wrapped-key" }]);
  const denied = { code: "42501" };
  await assert.rejects(db.query("UPDATE identity.secret SET name = 'x'"), denied);
  await assert.rejects(db.query("SELECT FROM records.resource"), denied);
  await assert.rejects(db.query("SELECT FROM identity.account"), denied);
});
