import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditEntry } from "#core/audit-entry.ts";
import { laterBy, parseInstant, systemClock, type Clock, type Instant } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import type { Database, Queryable, Statement } from "#storage/database.ts";
import type { TestDatabase } from "#storage/testing.ts";
import { encodeLeaf, parseLeaf } from "#audit/leaf.ts";
import { auditLimits } from "#audit/limits.ts";
import { createLog } from "#audit/log.ts";
import { leafHash } from "#audit/merkle.ts";
import { testEntry, testKey, testLog, write, type TestLog } from "#audit/testing.ts";
import { verifyLog } from "#audit/verify.ts";

interface Row {
  readonly seq: number;
  readonly leaf: Buffer;
  readonly leaf_hash: Buffer;
}

const rowsOf = (on: Queryable): Promise<readonly Row[]> =>
  on.query<Row>("SELECT seq, leaf, leaf_hash FROM audit.entry ORDER BY log_id, seq");

const entriesIn = async (on: Queryable): Promise<readonly (AuditEntry | null)[]> =>
  (await rowsOf(on)).map((row) => parseLeaf(row.leaf));

async function findingsOf(
  kit: Pick<TestLog<never, never>, "db" | "origin" | "verifier">,
): Promise<number> {
  const { db, origin, verifier } = kit;
  const verified = await verifyLog({ db, origin, verifiers: [verifier], onProgress: () => {} });
  assert.ok(verified.ok);
  return verified.value.findingCount;
}

/** A database that passes everything on, but first lets a test have its way with a query. */
function meddled(
  db: Database,
  meddle: (text: string, send: () => Promise<unknown>) => unknown,
): Database {
  const around = (on: Queryable): Queryable => ({
    query: async (statement: string | Statement, values?: readonly unknown[]) => {
      const text = typeof statement === "string" ? statement : statement.text;
      let answer: readonly never[] = [];
      await meddle(text, async () => {
        answer = await on.query<never>(statement, values);
      });
      return answer;
    },
  });
  return {
    ...around(db),
    transaction: (work) =>
      db.transaction((tx) => work({ ...around(tx), last: (statement) => tx.last(statement) })),
    close: () => db.close(),
  };
}

const lost = (): Error => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

test("an entry that was accepted lies in the database with its leaf and hash", async (t) => {
  const { log, db, origin } = await testLog(t);
  const entry = testEntry(1, { actor: "ana", signal: "odd" });
  const accepted = await log.submit({ entries: () => [entry] });
  assert.deepEqual(accepted, {
    ok: true,
    value: { outcome: null, places: [{ origin, index: 0 }] },
  });
  const [row] = await rowsOf(db);
  assert.equal(row?.leaf.toString(), encodeLeaf(entry));
  assert.deepEqual(row.leaf_hash, leafHash(row.leaf));
});

test("what is submitted at once gathers in few batches, without a gap and in order", async (t) => {
  const kit = await testLog(t);
  const count = 3_000;
  const results = await Promise.all(
    Array.from({ length: count }, (_, n) => kit.log.submit({ entries: () => [testEntry(n)] })),
  );
  const indices = results.map((result) => (result.ok ? result.value.places[0]?.index : null));
  assert.deepEqual(
    indices,
    Array.from({ length: count }, (_, n) => n),
  );
  const stored = await entriesIn(kit.db);
  assert.deepEqual(
    stored.map((entry) => entry?.requestId),
    Array.from({ length: count }, (_, n) => `request-${n}`),
  );
  const [{ checkpoints } = { checkpoints: 0 }] = await kit.db.query<{ checkpoints: number }>(
    "SELECT count(*) AS checkpoints FROM audit.checkpoint",
  );
  assert.ok(checkpoints < 20, `${checkpoints} checkpoints`);
  assert.equal(await findingsOf(kit), 0);
});

test("several entries of one submission stand together", async (t) => {
  const { log, origin } = await testLog(t);
  const [first, second] = await Promise.all([
    log.submit({ entries: () => [testEntry(1), testEntry(2)] }),
    log.submit({ entries: () => [testEntry(3)] }),
  ]);
  assert.deepEqual(first.ok && first.value.places, [
    { origin, index: 0 },
    { origin, index: 1 },
  ]);
  assert.deepEqual(second.ok && second.value.places, [{ origin, index: 2 }]);
});

test("a submission of nothing is accepted and writes nothing", async (t) => {
  const { log, db } = await testLog(t);
  const accepted = await log.submit({ entries: () => [] });
  assert.deepEqual(accepted, { ok: true, value: { outcome: null, places: [] } });
  assert.deepEqual(await rowsOf(db), []);
});

test("a log opened again goes on where it stopped, at every edge of a tile", async (t) => {
  const kit = await testLog(t);
  let { log } = kit;
  let n = 0;
  for (const size of [1, 254, 1, 1, 255, 300]) {
    await write(log, [Array.from({ length: size }, () => testEntry(n++))]);
    await log.close();
    log = await kit.open();
  }
  await write(log, [[testEntry(n)]]);
  assert.equal((await rowsOf(kit.db)).length, n + 1);
  assert.equal(await findingsOf(kit), 0);
});

test("a log of more entries than two levels of tiles hold goes on after it is opened again", async (t) => {
  const kit = await testLog(t);
  const entries = Array.from({ length: 1_000 }, (_, n) => testEntry(n));
  await write(
    kit.log,
    Array.from({ length: 66 }, () => entries),
  );
  await kit.log.close();
  await write(await kit.open(), [entries, entries]);
  const [tiles] = await kit.db.query<{ low: number; high: number }>(
    `SELECT count(*) FILTER (WHERE level = 0) AS low, count(*) FILTER (WHERE level = 1) AS high
     FROM audit.tile`,
  );
  assert.deepEqual(tiles, { low: 265, high: 1 });
  assert.equal(await findingsOf(kit), 0);
});

const notes = "CREATE TABLE records.note_of_a_test (id int PRIMARY KEY, text text)";

async function testWorks(t: Parameters<typeof testLog>[0]) {
  const alongside = async (tx: Queryable, works: readonly { id: number }[]) => {
    for (const { id } of works)
      await tx.query("INSERT INTO records.note_of_a_test VALUES ($1)", [id]);
    return works.map(({ id }) => ({ written: id }));
  };
  const kit = await testLog<{ id: number }, { written: number }>(t, { alongside });
  await kit.database.as("phylax_owner").query(notes);
  await kit.database
    .as("phylax_owner")
    .query("GRANT SELECT, INSERT ON records.note_of_a_test TO phylax_records");
  const works = async (): Promise<readonly number[]> => {
    const rows = await kit.db.query<{ id: number }>(
      "SELECT id FROM records.note_of_a_test ORDER BY id",
    );
    return rows.map((row) => row.id);
  };
  const submit = (id: number, jti?: string) =>
    kit.log.submit({
      work: { id },
      entries: (outcome) => [
        testEntry(id, { action: "create", count: outcome?.written ?? 0, resourceId: String(id) }),
      ],
      ...(jti === undefined ? {} : { proof: proofOf(jti) }),
    });
  return { ...kit, works, submitWork: submit };
}

const inAMinute = (): Instant => laterBy(systemClock.now(), 60_000);
const proofOf = (jti: string, expiresAt = inAMinute()) => ({ jkt: "key", jti, expiresAt });

test("work is written with its entry, which tells what it came to", async (t) => {
  const { submitWork, works, db } = await testWorks(t);
  const done = await submitWork(7);
  assert.deepEqual(done.ok && done.value.outcome, { written: 7 });
  assert.deepEqual(await works(), [7]);
  assert.deepEqual(
    (await entriesIn(db)).map((entry) => entry?.count),
    [7],
  );
});

test("one bad work among many fails by itself; the others and their entries are written", async (t) => {
  const kit = await testWorks(t);
  await kit.submitWork(2);
  const settled = await Promise.allSettled([1, 2, 3].map((id) => kit.submitWork(id)));
  assert.deepEqual(
    settled.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(await kit.works(), [1, 2, 3]);
  assert.deepEqual(
    (await entriesIn(kit.db)).map((entry) => entry?.resourceId),
    ["2", "1", "3"],
  );
  assert.equal(await findingsOf(kit), 0);
});

/** Fails, as no storage does, once nobody holds the lock: until then the batch is becoming durable. */
const lateFault: Statement = {
  name: "test-late-fault",
  text: "SELECT 1 / length(pg_advisory_lock(1)::text)",
  values: [],
};

/** Holds that lock until `released`. */
async function holdLock(database: TestDatabase, released: Promise<void>): Promise<void> {
  const held = Promise.withResolvers<void>();
  const holding = database.as("phylax_records", 1).transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(1)");
    held.resolve();
    await released;
  });
  void holding.catch(held.reject);
  await held.promise;
}

interface Slowed {
  /** Numbers of works in the order in which they were begun, and "failed" for the first one's end. */
  readonly course: (number | "failed")[];
  readonly works: () => Promise<readonly number[]>;
}

/** Work 1 is lost at its very end; work 2 is handed in as soon as work 1 has begun. */
async function behindOneThatIsLost(
  t: Parameters<typeof testLog>[0],
  isIndependent: boolean,
): Promise<Slowed & Awaited<ReturnType<typeof testWorks>>> {
  const kit = await testWorks(t);
  const course: Slowed["course"] = [];
  const begun = Promise.withResolvers<void>();
  const secondBegun = Promise.withResolvers<void>();
  if (isIndependent) await holdLock(kit.database, secondBegun.promise);
  const log = await kit.open({
    db: {
      ...kit.db,
      transaction: (work) =>
        kit.db.transaction((tx) =>
          work({
            query: (statement, values) => tx.query(statement, values),
            last: (statement) => tx.last(course.length === 1 ? lateFault : statement),
          }),
        ),
    },
    alongside: async (tx, works) => {
      for (const { id } of works) {
        course.push(id);
        await tx.query("INSERT INTO records.note_of_a_test VALUES ($1)", [id]);
      }
      begun.resolve();
      if (course.includes(2)) secondBegun.resolve();
      return works.map(({ id }) => ({ written: id }));
    },
    independent: () => isIndependent,
  });
  const submit = (id: number) =>
    log.submit({ work: { id }, entries: () => [testEntry(id, { resourceId: String(id) })] });
  const first = submit(1).catch(() => course.push("failed"));
  await begun.promise;
  const second = await submit(2);
  await first;
  assert.ok(second.ok);
  return { ...kit, course };
}

test("independent work is begun while the batch ahead becomes durable, and anew when that is lost", async (t) => {
  const kit = await behindOneThatIsLost(t, true);
  assert.deepEqual(kit.course, [1, 2, "failed", 2]);
  assert.deepEqual(await kit.works(), [2]);
  assert.deepEqual(
    (await entriesIn(kit.db)).map((entry) => entry?.resourceId),
    ["2"],
  );
  assert.equal(await findingsOf(kit), 0);
});

test("work that depends on the batch ahead waits for its end", async (t) => {
  const kit = await behindOneThatIsLost(t, false);
  assert.deepEqual(kit.course, [1, "failed", 2]);
  assert.deepEqual(await kit.works(), [2]);
  assert.equal(await findingsOf(kit), 0);
});

test("of many batches that overlap, each good work is written once and each bad one fails alone", async (t) => {
  const kit = await testWorks(t);
  await kit.submitWork(0);
  const log = await kit.open({ independent: () => true });
  const ids = Array.from({ length: 300 }, (_, n) => (n % 7 === 3 ? 0 : n + 1));
  const settled = await Promise.allSettled(
    ids.map(async (id, n) => {
      // In waves, so that there is always a batch to be behind.
      await new Promise((resolve) => {
        setTimeout(resolve, n % 50);
      });
      return log.submit({
        work: { id },
        entries: () => [testEntry(id, { resourceId: String(id) })],
      });
    }),
  );
  const good = ids.filter((id) => id !== 0);
  assert.equal(settled.filter(({ status }) => status === "fulfilled").length, good.length);
  assert.deepEqual(await kit.works(), [0, ...good]);
  assert.equal((await rowsOf(kit.db)).length, good.length + 1);
  assert.equal(await findingsOf(kit), 0);
});

test("work that lost against another transaction fails as edit-conflict", async (t) => {
  const alongside = async (): Promise<readonly string[]> => {
    throw Object.assign(new Error("deadlock detected"), { code: "40P01" });
  };
  const { log, db } = await testLog<string, string>(t, { alongside });
  const answer = await log.submit({ work: "w", entries: () => [testEntry(1)] });
  assert.equal(!answer.ok && answer.problem.code, "edit-conflict");
  assert.deepEqual(await rowsOf(db), []);
});

test("entries that cannot be made reject their own submission only", async (t) => {
  const { log } = await testLog(t);
  const bad = log.submit({
    entries: () => {
      throw new TypeError("no entries");
    },
  });
  const good = log.submit({ entries: () => [testEntry(1)] });
  await assert.rejects(bad, TypeError);
  assert.ok((await good).ok);
});

test("a proof used twice is refused the second time, and the denial is logged", async (t) => {
  const { log, db } = await testLog(t);
  const read = () =>
    log.submit({ entries: () => [testEntry(1, { count: 3 })], proof: proofOf("one") });
  const [first, second] = await Promise.all([read(), read()]);
  assert.ok(first.ok);
  assert.equal(!second.ok && second.problem.code, "proof-replayed");
  const [, denial] = await entriesIn(db);
  assert.deepEqual(
    [denial?.decision, denial?.reasons, denial?.count],
    ["deny", ["proof-replayed"], 0],
  );
});

test("a proof that another process saw is refused too, alone of its batch", async (t) => {
  const kit = await testLog(t);
  await kit.log.submit({ entries: () => [testEntry(1)], proof: proofOf("one") });
  await kit.log.close();
  const other = await kit.open();
  const answers = await Promise.all(
    ["two", "one", "three"].map((jti, n) =>
      other.submit({ entries: () => [testEntry(n)], proof: proofOf(jti) }),
    ),
  );
  assert.deepEqual(
    answers.map((answer) => (answer.ok ? "ok" : answer.problem.code)),
    ["ok", "proof-replayed", "ok"],
  );
  assert.deepEqual(
    (await entriesIn(kit.db)).map((entry) => entry?.decision),
    ["permit", "permit", "deny", "permit"],
  );
  assert.equal(await findingsOf(kit), 0);
});

test("work that comes with a used proof is not done", async (t) => {
  const { submitWork, works, db, open } = await testWorks(t);
  assert.ok((await submitWork(1, "one")).ok);
  const again = await submitWork(2, "one");
  assert.equal(!again.ok && again.problem.code, "proof-replayed");
  const fresh = await open();
  const elsewhere = await fresh.submit({
    work: { id: 3 },
    entries: () => [testEntry(3, { action: "create" })],
    proof: proofOf("one"),
  });
  assert.equal(!elsewhere.ok && elsewhere.problem.code, "proof-replayed");
  assert.deepEqual(await works(), [1]);
  assert.deepEqual(
    (await entriesIn(db)).map((entry) => entry?.decision),
    ["permit", "deny", "deny"],
  );
});

test("the same jti under another key is another proof", async (t) => {
  const { log } = await testLog(t);
  const one = await log.submit({ entries: () => [testEntry(1)], proof: proofOf("one") });
  const other = await log.submit({
    entries: () => [testEntry(1)],
    proof: { ...proofOf("one"), jkt: "another" },
  });
  assert.ok(one.ok && other.ok);
});

test("expired proofs are forgotten now and then, others kept", async (t) => {
  const start = systemClock.now();
  let passedMs = 0;
  const clock: Clock = { now: () => laterBy(start, passedMs), monotonicMs: () => passedMs };
  const { log, db } = await testLog(t, { clock });
  const soon = parseInstant(start + 1_000) ?? start;
  const late = parseInstant(start + 600_000) ?? start;
  await log.submit({ entries: () => [testEntry(1)], proof: proofOf("soon", soon) });
  await log.submit({ entries: () => [testEntry(2)], proof: proofOf("late", late) });
  passedMs = auditLimits.proofSweepMs;
  await log.submit({ entries: () => [testEntry(3)] });
  await log.close();
  const left = await db.query<{ expires_at: number }>("SELECT expires_at FROM audit.used_proof");
  assert.deepEqual(
    left.map((row) => row.expires_at),
    [late],
  );
});

test("of two writers of one log the stale one is fenced off, for good", async (t) => {
  const kit = await testLog(t);
  await write(kit.log, [[testEntry(1)]]);
  const successor = await kit.open();
  const stale = await kit.log.submit({ entries: () => [testEntry(2)] });
  assert.equal(!stale.ok && stale.problem.code, "audit-unavailable");
  await write(successor, [[testEntry(3)]]);
  const still = await kit.log.submit({ entries: () => [testEntry(4)] });
  assert.equal(!still.ok && still.problem.code, "audit-unavailable");
  assert.deepEqual(
    (await entriesIn(kit.db)).map((entry) => entry?.requestId),
    ["request-1", "request-3"],
  );
  assert.equal(await findingsOf(kit), 0);
});

test("two writers that fight leave a log without a gap or a fork", async (t) => {
  const kit = await testLog(t);
  const writers = [kit.log, await kit.open()];
  const fight = writers.map(async (log, which) => {
    for (let n = 0; n < 30; n += 1)
      await log.submit({ entries: () => [testEntry(which * 100 + n)] });
  });
  await Promise.all([...fight, kit.open()]);
  assert.equal(await findingsOf(kit), 0);
});

test("an answer lost after the commit is made good: nothing twice, nothing left out", async (t) => {
  const kit = await testLog(t);
  await kit.log.close();
  let losing = false;
  const db = meddled(kit.db, async (text, send) => {
    await send();
    if (losing && text.includes("INSERT INTO audit.entry")) {
      losing = false;
      throw lost();
    }
  });
  const log = await kit.open({ db });
  losing = true;
  const unsure = await log.submit({ entries: () => [testEntry(1)] });
  assert.equal(!unsure.ok && unsure.problem.code, "audit-unavailable");
  await write(log, [[testEntry(2)]]);
  assert.deepEqual(
    (await entriesIn(kit.db)).map((entry) => entry?.requestId),
    ["request-1", "request-2"],
  );
  assert.equal(await findingsOf(kit), 0);
});

test("a question lost before it arrived leaves no gap either, and its proof may be sent again", async (t) => {
  const kit = await testLog(t);
  let losing = true;
  const db = meddled(kit.db, async (text, send) => {
    if (losing && text.includes("used_proof")) {
      losing = false;
      throw lost();
    }
    await send();
  });
  const log = await kit.open({ db });
  const read = () => log.submit({ entries: () => [testEntry(1)], proof: proofOf("one") });
  const first = await read();
  assert.equal(!first.ok && first.problem.code, "audit-unavailable");
  assert.ok((await read()).ok);
  assert.deepEqual(
    (await rowsOf(kit.db)).map((row) => row.seq),
    [0],
  );
});

test("a full disk is told as storage-full", async (t) => {
  const kit = await testLog(t);
  const full = Object.assign(new Error("could not extend file"), { code: "53100" });
  const db = meddled(kit.db, async (text, send) => {
    if (text.includes("INSERT INTO audit.entry")) throw full;
    await send();
  });
  await kit.open();
  const log = await kit.open({ db }).catch(() => null);
  const answer = await log?.submit({ entries: () => [testEntry(1)] });
  assert.equal(answer?.ok === false && answer.problem.code, "storage-full");
});

test("a database that never answers does not hold anyone longer than a flush may take", async (t) => {
  const kit = await testLog(t);
  let deaf = false;
  const never = new Promise<never>(() => {});
  const db = meddled(kit.db, (_, send) => (deaf ? never : send()));
  const log = await kit.open({ db });
  deaf = true;
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const waiting = log.submit({ entries: () => [testEntry(1)] });
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(auditLimits.flushMs);
  const answer = await waiting;
  assert.equal(!answer.ok && answer.problem.code, "audit-unavailable");
  t.mock.timers.reset();
  deaf = false;
  assert.ok((await log.submit({ entries: () => [testEntry(2)] })).ok);
});

test("beyond its limit the queue refuses at once, and the rest goes through", async (t) => {
  const { log } = await testLog(t);
  const entries = [testEntry(1)];
  const submissions = Array.from({ length: auditLimits.waitingSubmissions + 3 }, () =>
    log.submit({ entries: () => entries }),
  );
  const answers = await Promise.all(submissions);
  const refused = answers.filter((answer) => !answer.ok);
  assert.equal(refused.length, 3);
  assert.equal(refused[0]?.problem.code, "audit-unavailable");
});

test("closing waits for what was submitted and takes nothing more", async (t) => {
  const { log, db } = await testLog(t);
  const before = log.submit({ entries: () => [testEntry(1)] });
  await log.close();
  assert.ok((await before).ok);
  const after = await log.submit({ entries: () => [testEntry(2)] });
  assert.equal(!after.ok && after.problem.code, "audit-unavailable");
  assert.equal((await rowsOf(db)).length, 1);
});

test("another database role cannot take over the log", async (t) => {
  const { database, origin, signer } = await testLog(t);
  const db = database.as("phylax_identity");
  const taken = await createLog({ db, origin, signer, clock: systemClock, random: systemRandom });
  assert.equal(!taken.ok && taken.problem.code, "audit-unavailable");
});

test("a log whose end is not what was signed is not written on", async (t) => {
  const kit = await testLog(t);
  await write(kit.log, [[testEntry(1)], [testEntry(2)]]);
  await kit.log.close();
  const { Client } = await import("pg");
  const admin = new Client(kit.database.admin);
  await admin.connect();
  await admin.query("DELETE FROM audit.entry WHERE seq = 1");
  await admin.end();
  await assert.rejects(kit.open(), /damaged: it has 1 entries where 2 were signed/);
});

test("a signer of another name is a fault of the program", async (t) => {
  const { db, origin } = await testLog(t);
  const { signer } = testKey("another/log");
  await assert.rejects(createLog({ db, origin, signer, clock: systemClock, random: systemRandom }));
});
