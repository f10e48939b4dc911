import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database, Queryable } from "#storage/database.ts";
import { openVisitor, signIn, type SignedIn } from "../support/client.ts";
import { printedSignIn, startDeployment } from "../support/deployment.ts";
import { pidOf } from "../support/processes.ts";
import { recordsDatabase } from "../support/records-database.ts";

function recordsPid(home: string): number {
  const pid = pidOf(home, "records");
  assert.ok(pid !== undefined, "records runs");
  return pid;
}

/** Until another process has taken its place, the gateway answers for it. */
async function untilServed(person: SignedIn): Promise<void> {
  let status = 0;
  for (let n = 0; n < 200 && status !== 200; n += 1) {
    await sleep(200);
    const read = person.ask("GET", "/fhir/Patient?_count=1");
    status = await read.then((answer) => answer.status).catch(() => 0);
  }
  assert.equal(status, 200, "no process took its place");
}

interface Patient {
  readonly id: string;
  readonly active?: boolean;
  readonly meta: { readonly versionId: string };
  readonly link?: readonly {
    readonly type: string;
    readonly other: { readonly reference: string };
  }[];
}

async function patientOf(person: SignedIn, id: string): Promise<Patient> {
  const got = await person.ask("GET", `/fhir/Patient/${id}`);
  assert.equal(got.status, 200, got.text);
  return JSON.parse(got.text) as Patient;
}

async function countRows(db: Database): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const from of [
    "records.chart_decision",
    "records.merged_chart",
    "records.same_person",
    "records.resource WHERE type = 'Task'",
  ]) {
    const [row] = await db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${from}`);
    counts.push(row?.n ?? -1);
  }
  return counts;
}

async function mergeEvents(officer: SignedIn, patient: string): Promise<number> {
  const got = await officer.ask("GET", `/fhir/AuditEvent?patient=${patient}&subtype=merge`);
  assert.equal(got.status, 200, got.text);
  const { entry = [] } = JSON.parse(got.text) as { entry?: readonly unknown[] };
  return entry.length;
}

class Undone extends Error {}

/**
 * Holds what a merge needs for its last statement, runs `work`, and lets go without a trace.
 * `isWaitedFor` tells whether a transaction waits for it.
 */
async function holdingMerges(
  db: Database,
  work: (isWaitedFor: () => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const isWaitedFor = async (tx: Queryable): Promise<boolean> => {
    const waiting = await tx.query(
      `SELECT FROM pg_locks
       WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)) LIMIT 1`,
    );
    return waiting.length > 0;
  };
  const held = db.transaction(async (tx): Promise<void> => {
    await tx.query(
      `INSERT INTO records.merged_chart
         (merged, merged_id, merged_version, survivor, survivor_id, decision)
       VALUES ($1, 'one', 1, $2, 'two', 'none')`,
      [randomUUID(), randomUUID()],
    );
    await work(() => isWaitedFor(tx));
    throw new Undone();
  });
  await assert.rejects(held, Undone);
}

suite("a merge under faults", { timeout: 300_000 }, () => {
  test("killed with -9 in the middle it leaves nothing; done again it is whole, and stays so when killed after", async (t) => {
    const phylax = await startDeployment();
    t.after(() => phylax.remove());
    const db = recordsDatabase(t, phylax.home);
    const person = async (role: string): Promise<SignedIn> => {
      const visitor = openVisitor(phylax.origin, phylax.authority());
      t.after(() => visitor.close());
      return signIn(visitor, printedSignIn(phylax.output(), role), "openid fhirUser user/*.cruds");
    };
    const doctor = await person("clinician");
    const officer = await person("privacy-officer");
    const panel = JSON.parse((await doctor.ask("GET", "/fhir/Patient?_count=2")).text) as {
      entry: { resource: { id: string } }[];
    };
    const [survivor, other] = panel.entry.map(({ resource }) => resource.id);
    assert.ok(survivor !== undefined && other !== undefined);
    const patients = (): Promise<readonly Patient[]> =>
      Promise.all([patientOf(doctor, survivor), patientOf(doctor, other)]);
    const before = await patients();
    const [one, two] = before.map(({ meta }) => Number(meta.versionId));
    const decision = { survivor, survivorVersion: one, other, otherVersion: two };
    const body = JSON.stringify({ kind: "merge", ...decision, reason: "Both cards shown." });
    const merge = (): Promise<number> =>
      officer.ask("POST", "/api/records/chart-decisions", body).then(
        ({ status }) => status,
        () => 0,
      );
    const tables = await countRows(db);

    await holdingMerges(db, async (isWaitedFor) => {
      const answered: number[] = [];
      let underWay: Promise<void> | null = null;
      const mergeOnce = async (): Promise<void> => {
        answered.push(await merge());
        underWay = null;
      };
      while (!(await isWaitedFor())) {
        // What waits too long for a lock is refused, and sent again.
        underWay ??= mergeOnce();
        assert.ok(answered.length < 20, `it never came to its last statement: ${answered.join()}`);
        await sleep(2);
      }
      process.kill(recordsPid(phylax.home), "SIGKILL");
      await underWay;
      assert.ok(!answered.includes(200), "nothing says that it was merged");
    });
    await untilServed(doctor);
    assert.deepEqual(await patients(), before);
    assert.deepEqual(await countRows(db), tables);
    assert.equal(await mergeEvents(officer, survivor), 0);
    const verified = await phylax.run("audit", "verify");
    assert.equal(verified.code, 0, verified.out + verified.err);

    assert.equal(await merge(), 200);
    process.kill(recordsPid(phylax.home), "SIGKILL");
    await untilServed(doctor);
    const [kept, merged] = await patients();
    const links = (patient: Patient | undefined): readonly string[] =>
      (patient?.link ?? []).map(({ type, other: to }) => `${type} ${to.reference}`);
    assert.ok(links(kept).includes(`replaces Patient/${other}`));
    assert.ok(links(merged).includes(`replaced-by Patient/${survivor}`));
    assert.equal(merged?.active, false);
    const added = [1, 1, 2, 1];
    assert.deepEqual(
      await countRows(db),
      tables.map((count, at) => count + (added[at] ?? 0)),
    );
    assert.equal(await mergeEvents(officer, survivor), 3, "of both Patients and the Task");
    const again = await phylax.run("audit", "verify");
    assert.equal(again.code, 0, again.out + again.err);
  });
});
