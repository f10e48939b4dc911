import assert from "node:assert/strict";
import { test } from "node:test";
import { laterBy, systemClock } from "#core/clock.ts";
import { identityLimits } from "#identity/limits.ts";
import { recoveryOpenMs, usualWaits } from "#identity/recovery/waits.ts";
import { sweep } from "#identity/sweep-store.ts";
import { createApp, readTokens } from "#identity/testing-app.ts";
import { postJson } from "#identity/testing-passkeys.ts";
import { ana, asAna, makeAccount } from "#identity/testing-people.ts";
import { testIdentity } from "#identity/testing.ts";

test("a recovery that was begun with nobody's code is forgotten when its time is over", async (t) => {
  const identity = await testIdentity(t);
  await postJson(identity, "/api/identity/recovery/begin", { code: "AAAA-BBBB-CCCC-DDDD" });
  const left = () => identity.db.query("SELECT 1 AS one FROM identity.recovery");
  await sweep(identity.db, systemClock.now());
  assert.equal((await left()).length, 1);
  await sweep(identity.db, laterBy(systemClock.now(), usualWaits.codeMs + recoveryOpenMs + 1_000));
  assert.equal((await left()).length, 0);
});

test("the sweep takes what has expired, and leaves accounts, devices and fresh sessions", async (t) => {
  const identity = await testIdentity(t);
  await makeAccount(identity, ana);
  const app = createApp(identity);
  const answer = await app.signIn(asAna());
  await readTokens(await app.exchange(answer.get("code") ?? ""));
  const count = async (table: string): Promise<number> =>
    (await identity.db.query(`SELECT 1 AS one FROM identity.${table}`)).length;
  const now = systemClock.now();
  await sweep(identity.db, now);
  assert.equal(await count("session"), 1);
  assert.ok((await count("oidc")) > 0);
  assert.equal(await count("enrolment"), 1);
  await sweep(identity.db, laterBy(now, identityLimits.endedSessionMs));
  assert.deepEqual(
    [await count("oidc"), await count("enrolment"), await count("attempt"), await count("sign_in")],
    [0, 0, 0, 0],
  );
  assert.equal(await count("session"), 1, "kept for a month after its end");
  await sweep(identity.db, laterBy(now, 2 * identityLimits.endedSessionMs));
  assert.deepEqual(
    [await count("session"), await count("account"), await count("device"), await count("totp")],
    [0, 1, 1, 1],
  );
});
