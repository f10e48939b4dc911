import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { systemClock } from "#core/clock.ts";
import { parseTenantId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { openDatabase } from "#storage/database.ts";
import { startEmbedded, type EmbeddedServer } from "#storage/embedded.ts";
import { makeRolePasswords, migrate, readMigrations } from "#storage/migrate.ts";
import { createLog } from "#audit/log.ts";
import { parseLeaf } from "#audit/leaf.ts";
import { testEntry, testKey } from "#audit/testing.ts";
import { verifyLog } from "#audit/verify.ts";

const origin = "phylax/test/records";

/** A server of the test's own, with the log open on it. */
async function ownServer(t: TestContext) {
  const home = await mkdtemp(join(tmpdir(), "phylax-faults-"));
  const servers: EmbeddedServer[] = [];
  const start = async (): Promise<EmbeddedServer> => {
    const shared = { home, clock: systemClock, random: systemRandom };
    const started = await startEmbedded({ ...shared, onExit: () => {} });
    assert.ok(started.ok, started.ok ? "" : started.problem.detail);
    servers.push(started.value);
    return started.value;
  };
  const { connection } = await start();
  const passwords = makeRolePasswords(systemRandom);
  const migrations = await readMigrations();
  assert.ok((await migrate({ connection, passwords, random: systemRandom, migrations })).ok);
  const tenant = parseTenantId(systemRandom.uuid());
  assert.ok(tenant !== null);
  const records = {
    ...connection,
    user: "phylax_records",
    password: passwords.phylax_records,
  };
  const db = openDatabase({ connection: records, tenant, maxConnections: 2 });
  const { signer, verifier } = testKey(origin);
  const opened = await createLog({ db, origin, signer, clock: systemClock, random: systemRandom });
  assert.ok(opened.ok);
  t.after(async () => {
    await opened.value.close();
    await db.close();
    for (const server of servers) await server.stop();
    await rm(home, { recursive: true, force: true });
  });
  const current = (): EmbeddedServer => {
    const server = servers.at(-1);
    assert.ok(server !== undefined);
    return server;
  };
  return { start, current, db, log: opened.value, verifier };
}

test("with the database stopped every submission fails soon, and the log goes on when it is back", async (t) => {
  const { start, current, db, log, verifier } = await ownServer(t);
  assert.ok((await log.submit({ entries: () => [testEntry(1)] })).ok);
  await current().stop();
  const began = systemClock.monotonicMs();
  const refused = await Promise.all(
    Array.from({ length: 50 }, (_, n) => log.submit({ entries: () => [testEntry(n)] })),
  );
  assert.ok(systemClock.monotonicMs() - began < 10_000, "nobody waits long");
  for (const answer of refused)
    assert.equal(!answer.ok && answer.problem.code, "audit-unavailable");
  await start();
  assert.ok((await log.submit({ entries: () => [testEntry(2)] })).ok);
  const verified = await verifyLog({ db, origin, verifiers: [verifier], onProgress: () => {} });
  assert.deepEqual(verified.ok && [verified.value.entries, verified.value.findings], [2, []]);
});

test("a database killed in the midst of writing loses no entry that was acknowledged", async (t) => {
  const { start, current, db, log, verifier } = await ownServer(t);
  const acknowledged = new Set<string>();
  let refusals = 0;
  const writing = new AbortController();
  const writers = Array.from({ length: 16 }, async (_, which) => {
    for (let n = 0; !writing.signal.aborted; n += 1) {
      const requestId = `${which}-${n}`;
      const answer = await log.submit({ entries: () => [testEntry(n, { requestId })] });
      if (answer.ok) acknowledged.add(requestId);
      else {
        refusals += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });
  for (let round = 0; round < 2; round += 1) {
    const before = acknowledged.size;
    while (acknowledged.size < before + 200) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(current().pid, "SIGKILL");
    await start();
  }
  const before = acknowledged.size;
  while (acknowledged.size < before + 200) await new Promise((resolve) => setTimeout(resolve, 5));
  writing.abort();
  await Promise.all(writers);
  assert.ok(refusals > 0, "the fault was felt");
  const rows = await db.query<{ leaf: Buffer }>("SELECT leaf FROM audit.entry");
  const stored = rows.map((row) => parseLeaf(row.leaf)?.requestId);
  for (const requestId of acknowledged) assert.ok(stored.includes(requestId), requestId);
  assert.equal(new Set(stored).size, stored.length, "nothing stands twice");
  const verified = await verifyLog({ db, origin, verifiers: [verifier], onProgress: () => {} });
  assert.deepEqual(verified.ok && verified.value.findings, []);
});
