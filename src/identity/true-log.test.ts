import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createLog } from "#audit/log.ts";
import { testKey } from "#audit/testing.ts";
import { verifyLog } from "#audit/verify.ts";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { createApp, readJson, readTokens } from "#identity/testing-app.ts";
import { ana, asAna, makeAccount } from "#identity/testing-people.ts";
import { testIdentity } from "#identity/testing.ts";
import type { TestDatabase } from "#storage/testing.ts";

async function openLog(t: TestContext, database: TestDatabase) {
  const origin = `phylax/${database.tenant}/identity`;
  const { signer, verifier } = testKey(origin);
  const db = database.as("phylax_identity");
  const log = await createLog({ db, origin, signer, clock: systemClock, random: systemRandom });
  if (!log.ok) throw new Error(log.problem.code);
  t.after(() => log.value.close());
  return { log: log.value, origin, verifier };
}

test("a sign-in stands in the true log, which verifies, and a proof is good for one request", async (t) => {
  const opened: Awaited<ReturnType<typeof openLog>>[] = [];
  const identity = await testIdentity(t, {
    trueLog: async (database) => {
      const made = await openLog(t, database);
      opened.push(made);
      return made.log;
    },
  });
  await makeAccount(identity, ana);
  const app = createApp(identity);
  const answer = await app.signIn(asAna());
  const tokens = await readTokens(await app.exchange(answer.get("code") ?? ""));
  const path = "/api/identity/me";
  const headers = {
    authorization: `DPoP ${tokens.access}`,
    dpop: app.key.proof("GET", path, { token: tokens.access }),
  };
  assert.equal((await identity.send(path, { headers })).status, 200);
  const replay = await identity.send(path, { headers });
  assert.equal(replay.status, 401);
  assert.equal((await readJson(replay))["type"], "urn:phylax:problem:proof-replayed");

  const db = identity.database.as("phylax_auditor");
  const key = opened.at(0);
  assert.ok(key !== undefined);
  const { origin, verifier } = key;
  const options = { db, origin, verifiers: [verifier], onProgress: () => {} };
  const verified = await verifyLog(options);
  assert.ok(verified.ok);
  assert.deepEqual(verified.value.findings, []);
  // The link, the sign-in, the token, the reading and the denial of the replay.
  assert.deepEqual([verified.value.entries, verified.value.proven], [5, 5]);
});
