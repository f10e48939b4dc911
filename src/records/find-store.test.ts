import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { systemClock } from "#core/clock.ts";
import { parseResourceId, parseResourceType } from "#core/ids.ts";
import { createFinder, findLimits } from "#records/find-store.ts";
import type { Queryable } from "#storage/database.ts";

const type = parseResourceType("Observation") ?? assert.fail();
const asker = { practitioner: null, at: systemClock.now() };

interface Fake {
  readonly db: Queryable;
  readonly statements: number[];
  mostAtOnce: number;
  fails: Error | null;
}

/** Answers from a set of ids, late and in any order, as a server under load does. */
function fakeDatabase(present: ReadonlySet<string>): Fake {
  let atOnce = 0;
  const fake: Omit<Fake, "db"> = { statements: [], mostAtOnce: 0, fails: null };
  const answer = async (ids: readonly string[]): Promise<readonly object[]> => {
    fake.statements.push(ids.length);
    atOnce += 1;
    fake.mostAtOnce = Math.max(fake.mostAtOnce, atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
    if (fake.fails !== null) throw fake.fails;
    const rows = ids.map((id, at) => ({
      n: at,
      type,
      id,
      compartment: null,
      version: 1,
      last_updated: asker.at,
      deleted: false,
      dek_version: 1,
      sealed: Buffer.from(id),
      in_care_team: id.endsWith("1"),
    }));
    return rows.filter(({ id }) => present.has(id)).toReversed();
  };
  const query = (statement: unknown): Promise<readonly object[]> => {
    const { values } = statement as { values: readonly [string] };
    return answer((JSON.parse(values[0]) as { id: string }[]).map(({ id }) => id));
  };
  return Object.assign(fake, { db: { query } as unknown as Queryable });
}

const idOf = (n: number): ReturnType<typeof parseResourceId> => parseResourceId(`id-${n}`);

test("everyone gets the row that was asked for, however many ask at once", async () => {
  const asking = fc.array(fc.nat(30), { maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(asking, fc.uniqueArray(fc.nat(30)), async (asked, present) => {
      const fake = fakeDatabase(new Set(present.map((n) => `id-${n}`)));
      const find = createFinder(fake.db);
      const found = await Promise.all(
        asked.map((n) => find(type, idOf(n) ?? assert.fail(), asker)),
      );
      for (const [at, result] of found.entries()) {
        assert.ok(result.ok);
        const n = asked[at] ?? assert.fail();
        const ids = result.value.rows.map(({ id }) => id);
        assert.deepEqual(ids, present.includes(n) ? [`id-${n}`] : []);
        assert.equal(result.value.inCareTeam, present.includes(n) && `${n}`.endsWith("1"));
      }
      assert.ok(fake.mostAtOnce <= findLimits.underWay);
      assert.ok(fake.statements.every((rows) => rows > 0 && rows <= findLimits.perStatement));
    }),
    { numRuns: 30 },
  );
});

test("look-ups of one turn go together", async () => {
  const fake = fakeDatabase(new Set());
  const find = createFinder(fake.db);
  await Promise.all([1, 2, 3, 4, 5].map((n) => find(type, idOf(n) ?? assert.fail(), asker)));
  assert.deepEqual(fake.statements, [5]);
});

test("a database that is gone is told to everyone who waits, and the next look-up tries again", async () => {
  const fake = fakeDatabase(new Set(["id-1"]));
  const find = createFinder(fake.db);
  const one = idOf(1) ?? assert.fail();
  fake.fails = new Error("Connection terminated unexpectedly");
  for (const found of await Promise.all([find(type, one, asker), find(type, one, asker)]))
    assert.equal(found.ok ? "found" : found.problem.code, "storage-unavailable");
  fake.fails = null;
  assert.equal((await find(type, one, asker)).ok, true);
});

test("a fault of the program is thrown at everyone who waits", async () => {
  const fake = fakeDatabase(new Set());
  const find = createFinder(fake.db);
  fake.fails = new TypeError("a fault");
  await assert.rejects(find(type, idOf(1) ?? assert.fail(), asker), TypeError);
});
