import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { AuditEntry } from "#core/audit-entry.ts";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import { createLog } from "#audit/log.ts";
import { parseCheckpoint } from "#audit/checkpoint.ts";
import { auditLimits } from "#audit/limits.ts";
import {
  entriesOfPatients,
  newestCheckpoint,
  patientsTouched,
  type EntryPage,
  type PatientEntries,
} from "#audit/queries.ts";
import { testEntry, testKey, testLog, write, type TestLog } from "#audit/testing.ts";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";

function pseudonym(n: number): Pseudonym {
  const made = parsePseudonym(`00000000-0000-4000-8000-${String(n).padStart(12, "0")}`);
  assert.ok(made !== null);
  return made;
}

const ana = pseudonym(1);
const ben = pseudonym(2);

async function page(
  kit: TestLog<never, never>,
  asked: Partial<PatientEntries> = {},
): Promise<EntryPage> {
  const found = await entriesOfPatients(kit.db, {
    patients: [ana],
    before: null,
    limit: 50,
    ...asked,
  });
  assert.ok(found.ok);
  return found.value;
}

const names = ({ entries }: EntryPage) => entries.map(({ entry }) => entry.requestId);

test("a patient's entries come newest first, with their places, and no one else's", async (t) => {
  const kit = await testLog(t);
  await write(kit.log, [
    [testEntry(1, { patient: ana }), testEntry(2, { patient: ben }), testEntry(3)],
    [testEntry(4, { patient: ana, decision: "deny" })],
  ]);
  const found = await page(kit);
  assert.deepEqual(names(found), ["request-4", "request-1"]);
  assert.deepEqual(
    found.entries.map(({ place }) => place),
    [
      { origin: kit.origin, index: 3 },
      { origin: kit.origin, index: 0 },
    ],
  );
  assert.equal(found.next, null);
});

test("entries from the logs of several processes come in one order", async (t) => {
  const kit = await testLog(t);
  const origin = "phylax/test/identity";
  const { signer } = testKey(origin);
  const db = kit.database.as("phylax_identity");
  const other = await createLog({ db, origin, signer, clock: systemClock, random: systemRandom });
  assert.ok(other.ok);
  await write(kit.log, [[testEntry(1, { patient: ana }), testEntry(3, { patient: ana })]]);
  await write(other.value, [[testEntry(2, { patient: ana })]]);
  const found = await page(kit);
  assert.deepEqual(names(found), ["request-3", "request-2", "request-1"]);
  assert.equal(found.entries[1]?.place.origin, origin);
});

test("page by page gives every entry once, also those of one moment", async (t) => {
  const kit = await testLog(t);
  const entries = Array.from({ length: 60 }, (_, n) =>
    testEntry(Math.floor(n / 20), { patient: ana, requestId: `request-${n}` }),
  );
  await write(kit.log, [entries]);
  const [whole] = [await page(kit, { limit: 100 })];
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 70 }), async (limit) => {
      const seen: (string | null)[] = [];
      let before: string | null = null;
      do {
        const part: EntryPage = await page(kit, { limit, before });
        assert.ok(part.entries.length <= limit);
        seen.push(...names(part));
        before = part.next;
      } while (before !== null);
      assert.deepEqual(seen, names(whole));
    }),
    { numRuns: 15 },
  );
});

test("the entries of several patients come in one order, page by page, each once", async (t) => {
  const kit = await testLog(t);
  const whose = [ana, ben, pseudonym(9)];
  await write(kit.log, [
    Array.from({ length: 30 }, (_, n) =>
      testEntry(Math.floor(n / 4), { patient: whose[n % 3] ?? ana }),
    ),
  ]);
  const patients = [ana, ben, ana];
  const whole = await page(kit, { patients, limit: 100 });
  assert.equal(whole.entries.length, 20);
  const order = whole.entries.map(({ entry, place }) => [entry.time, place.index] as const);
  const sorted = order.toSorted((a, b) => b[0] - a[0] || b[1] - a[1]);
  assert.deepEqual(order, sorted);
  const seen: number[] = [];
  let before: string | null = null;
  do {
    const part: EntryPage = await page(kit, { patients, limit: 3, before });
    seen.push(...part.entries.map(({ place }) => place.index));
    before = part.next;
  } while (before !== null);
  assert.deepEqual(
    seen,
    order.map(([, index]) => index),
  );
});

test("no page is longer than its limit", async (t) => {
  const kit = await testLog(t);
  const entries = Array.from({ length: auditLimits.pageEntries + 5 }, (_, n) =>
    testEntry(n, { patient: ana }),
  );
  await write(kit.log, [entries]);
  assert.equal((await page(kit, { limit: 10_000 })).entries.length, auditLimits.pageEntries);
});

test("a cursor that is none of ours is refused", async (t) => {
  const { db } = await testLog(t);
  for (const before of ["", "1.2", "a.b.c", "1.2.3.4", "9007199254740993.1.1", "1.99999999999.1"]) {
    const found = await entriesOfPatients(db, { patients: [ana], before, limit: 5 });
    assert.equal(!found.ok && found.problem.code, "parameter-invalid", before);
  }
});

const traced: Partial<AuditEntry> = { actor: "a", device: "d", client: "c", address: "192.0.2.1" };

for (const by of ["actor", "device", "client", "address"] as const) {
  test(`the patients that one ${by} touched in a window come out, each once`, async (t) => {
    const kit = await testLog(t);
    await write(kit.log, [
      [
        testEntry(1, { ...traced, patient: pseudonym(9) }),
        testEntry(2, { ...traced, patient: ben }),
        testEntry(3, { ...traced, patient: ana }),
        testEntry(4, { ...traced, patient: ana }),
        testEntry(5, { ...traced, patient: pseudonym(5), decision: "deny" }),
        testEntry(5, { ...traced, [by]: "another", patient: pseudonym(6) }),
        testEntry(5, traced),
        testEntry(6, { ...traced, patient: pseudonym(7) }),
      ],
    ]);
    const value = String(traced[by]);
    const window = { by, value, from: testEntry(2).time, until: testEntry(6).time };
    const touched = await patientsTouched(kit.db, window);
    assert.deepEqual(touched.ok && touched.value, [
      { patient: ana, entries: 2, first: testEntry(3).time, last: testEntry(4).time },
      { patient: ben, entries: 1, first: testEntry(2).time, last: testEntry(2).time },
    ]);
  });
}

test("who touched whom is answered from the index of its column", async (t) => {
  const kit = await testLog(t);
  const entries = Array.from({ length: 1_000 }, (_, n) =>
    testEntry(n, { ...traced, actor: `actor ${n % 100}`, patient: pseudonym(n) }),
  );
  await write(kit.log, [entries]);
  const db = kit.database.as("phylax_owner");
  await db.query("ANALYZE audit.entry");
  const plan = await db.query<{ "QUERY PLAN": string }>(
    `EXPLAIN SELECT patient, count(*) FROM audit.entry WHERE actor = 'actor 5' AND time >= 0
     AND time < 9e15::bigint AND patient IS NOT NULL AND decision = 'permit' GROUP BY patient`,
  );
  assert.match(plan.map((row) => row["QUERY PLAN"]).join("\n"), /entry_actor/);
});

test("the newest checkpoint is given as its note, of a log that exists", async (t) => {
  const kit = await testLog(t);
  const first = await newestCheckpoint(kit.db, kit.origin);
  assert.equal(first.ok && parseCheckpoint(first.value)?.size, 0);
  await write(kit.log, [[testEntry(1)], [testEntry(2), testEntry(3)]]);
  const newest = await newestCheckpoint(kit.db, kit.origin);
  assert.equal(newest.ok && parseCheckpoint(newest.value)?.size, 3);
  const none = await newestCheckpoint(kit.db, "another/log");
  assert.equal(!none.ok && none.problem.code, "not-found");
});
