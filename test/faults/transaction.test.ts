import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "#storage/database.ts";
import { openVisitor, signIn } from "../support/client.ts";
import { printedSignIn, startDeployment } from "../support/deployment.ts";
import { pidOf } from "../support/processes.ts";
import { recordsDatabase } from "../support/records-database.ts";

const entries = 8_000;

/** Of a type that the demo has none of. */
const flag = (n: number, patient: string): object => ({
  resource: {
    resourceType: "Flag",
    status: "active",
    code: { text: `flag ${n}` },
    subject: { reference: `Patient/${patient}` },
  },
  request: { method: "POST", url: "Flag" },
});

async function countFlags(db: Database): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM records.resource WHERE type = 'Flag'",
  );
  return row?.count ?? -1;
}

/** Waits until rows of a transaction lie in the table's files that nobody can see yet. */
async function untilWriting(db: Database, before: number): Promise<void> {
  for (;;) {
    const [row] = await db.query<{ bytes: number }>(
      "SELECT pg_relation_size('records.resource')::int AS bytes",
    );
    if ((row?.bytes ?? 0) > before) return;
    await sleep(2);
  }
}

suite("a transaction under faults", { timeout: 300_000 }, () => {
  test("killed with -9 in the middle of its writing it leaves nothing; sent again it is whole", async (t) => {
    const phylax = await startDeployment();
    t.after(() => phylax.remove());
    const db = recordsDatabase(t, phylax.home);
    const visitor = openVisitor(phylax.origin, phylax.authority());
    t.after(() => visitor.close());
    const doctor = await signIn(
      visitor,
      printedSignIn(phylax.output(), "clinician"),
      "openid fhirUser user/*.cruds",
    );
    const panel = JSON.parse((await doctor.ask("GET", "/fhir/Patient?_count=1")).text) as {
      entry: { resource: { id: string } }[];
    };
    const patient = panel.entry[0]?.resource.id ?? "";
    const body = JSON.stringify({
      resourceType: "Bundle",
      type: "transaction",
      entry: Array.from({ length: entries }, (_, n) => flag(n, patient)),
    });
    const records = pidOf(phylax.home, "records");
    assert.ok(records !== undefined);
    const [size] = await db.query<{ bytes: number }>(
      "SELECT pg_relation_size('records.resource')::int AS bytes",
    );
    const sent = doctor.ask("POST", "/fhir", body).then(
      ({ status }) => status,
      () => 0,
    );
    await untilWriting(db, size?.bytes ?? 0);
    process.kill(records, "SIGKILL");
    const isAnswered = (await sent) === 200;
    // Until another process has taken its place, the gateway answers for it.
    let status = 0;
    for (let n = 0; n < 200 && status !== 200; n += 1) {
      await sleep(200);
      const read = doctor.ask("GET", `/fhir/Patient/${patient}`);
      status = await read.then((answer) => answer.status).catch(() => 0);
    }
    assert.equal(status, 200, "no process took its place");
    const left = await countFlags(db);
    // A machine that is busy enough may have let it end before the kill; then it is there, and whole.
    assert.ok(left === entries || (left === 0 && !isAnswered), `${left} of ${entries} were left`);
    const again = await doctor.ask("POST", "/fhir", body);
    assert.equal(again.status, 200, again.text);
    assert.equal(await countFlags(db), left + entries);
    const verified = await phylax.run("audit", "verify");
    assert.equal(verified.code, 0, verified.out + verified.err);
  });
});
