import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock, type Instant } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import type { Account } from "#identity/accounts/account.ts";
import { createBlind } from "#identity/blind.ts";
import { usualLogOff } from "#identity/sessions/log-off.ts";
import { createSessions, type Login, type Sessions } from "#identity/sessions/session.ts";
import { claimsOf, createApp, readTokens } from "#identity/testing-app.ts";
import { ana, byPassword, codeOf, makeAccount, nurse } from "#identity/testing-people.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";
import type { Database, Queryable } from "#storage/database.ts";
import { createSealer } from "#vault/sealer.ts";
import { systemRun } from "#vault/run-watch.ts";

type Live = {
  session_id: string;
  account_id: string;
  device_id: string;
  device_level: number;
  epoch: number;
  roles: string[];
  patients: string[];
  practitioner: string | null;
  client_ids: string[];
  idle_ends_at: Instant;
  ends_at: Instant;
  ended: boolean;
};

const liveRows = (db: Database): Promise<readonly Live[]> =>
  db.query<Live>("SELECT * FROM identity.live ORDER BY epoch");

async function signIn(identity: TestIdentity, person: typeof ana | typeof nurse = ana) {
  await makeAccount(identity, person);
  const app = createApp(identity);
  const answer = await app.signIn(byPassword({ ...person, code: codeOf(person.totpSeed) }));
  return { app, tokens: await readTokens(await app.exchange(answer.get("code") ?? "")) };
}

function accountOf(id: AccountId): Account {
  return {
    id,
    kind: "person",
    displayName: "",
    roles: ["patient"],
    patients: [],
    practitioner: null,
    language: null,
    departments: [],
    assurance: "none",
  };
}

interface Bare {
  readonly sessions: Sessions;
  readonly account: Account;
  readonly login: () => Login;
}

/** The sessions part on a fresh database with one account. */
async function bareSessions(identity: TestIdentity): Promise<Bare> {
  const { account } = await makeAccount(identity, ana);
  const id = parseAccountId(account);
  assert.ok(id !== null);
  const blind = createBlind(Buffer.alloc(32));
  const { db } = identity;
  return {
    sessions: createSessions({
      db,
      blind,
      sealer: createSealer({ key: Buffer.alloc(32), random: systemRandom, ...systemRun }),
      logOff: usualLogOff,
      clock: systemClock,
      random: systemRandom,
      parentEndsAtAge: 18,
    }),
    account: accountOf(id),
    login: () => ({ browserUid: systemRandom.uuid(), at: systemClock.now() }),
  };
}

const seen = { deviceName: null, address: null, zone: null };
const use = {
  jkt: "a-key",
  level: 1,
  span: "sign-in",
  client: "phylax-portal",
  grant: "a-grant",
  seen,
} as const;

suite("the live view", () => {
  test("shows to the records process what a session may and until when", async (t) => {
    const identity = await testIdentity(t);
    const { tokens } = await signIn(identity);
    const records = identity.database.as("phylax_records");
    const [row] = await liveRows(records);
    const claims = claimsOf(tokens.access);
    assert.equal(row?.session_id, claims["sid"]);
    assert.equal(row?.account_id, claims["sub"]);
    assert.equal(row?.device_id, claims["device"]);
    assert.deepEqual(
      [
        row?.device_level,
        row?.roles,
        row?.patients,
        row?.practitioner,
        row?.client_ids,
        row?.ended,
      ],
      [1, ["patient"], ["pat-1"], null, ["phylax-portal"], false],
    );
    const now = systemClock.now();
    assert.ok(Math.abs((row?.idle_ends_at ?? 0) - now - 30 * 60_000) < 60_000);
    assert.ok(Math.abs((row?.ends_at ?? 0) - now - 12 * 60 * 60_000) < 60_000);
  });

  test("gives people who see many records half the time to pause", async (t) => {
    const identity = await testIdentity(t);
    await signIn(identity, nurse);
    const [row] = await liveRows(identity.database.as("phylax_records"));
    assert.equal(row?.practitioner, "prac-nia");
    assert.ok(Math.abs((row?.idle_ends_at ?? 0) - systemClock.now() - 15 * 60_000) < 60_000);
  });

  test("shows a session as ended after sign-out, idleness, its last hour, or with its account", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signIn(identity);
    const records = identity.database.as("phylax_records");
    const ended = async () => (await liveRows(records)).map((row) => row.ended);
    const set = (what: string) => identity.db.query(`UPDATE identity.session SET ${what}`);
    await set("last_seen = now() - interval '31 minutes'");
    assert.deepEqual(await ended(), [true]);
    await set("last_seen = now()");
    assert.deepEqual(await ended(), [false]);
    await set("ends_at = now()");
    assert.deepEqual(await ended(), [true]);
    await set("ends_at = now() + interval '1 hour'");
    await identity.db.query("UPDATE identity.account SET status = 'closed'");
    assert.deepEqual(await ended(), [true]);
    await identity.db.query("UPDATE identity.account SET status = 'active'");
    assert.equal((await app.call("POST", "/api/identity/sign-out", tokens.access)).status, 200);
    assert.deepEqual(await ended(), [true]);
  });

  test("raises the epoch with every change of session, account or device", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signIn(identity);
    const records = identity.database.as("phylax_records");
    const epoch = async (): Promise<number> => (await liveRows(records))[0]?.epoch ?? 0;
    const rises = async (change: () => Promise<unknown>, what: string): Promise<void> => {
      const before = await epoch();
      await change();
      assert.ok((await epoch()) > before, what);
    };
    const set = (statement: string) => () => identity.db.query(statement);
    await rises(() => app.refresh(tokens.refresh), "a refresh");
    await rises(set("UPDATE identity.account SET roles = '{proxy}'"), "roles");
    await rises(set("UPDATE identity.account SET patients = '{a,b}'"), "patients");
    await rises(set("UPDATE identity.device SET level = 2"), "device level");
    await rises(set("UPDATE identity.account SET status = 'closed'"), "status");
    await rises(set("UPDATE identity.session SET ended_at = now()"), "end");
  });

  test("never shows a lower epoch after a higher one was seen", async (t) => {
    const identity = await testIdentity(t);
    const { sessions, account, login } = await bareSessions(identity);
    const records = identity.database.as("phylax_records");
    const missed: number[] = [];
    const known = new Set<number>();
    const look = async (): Promise<void> => {
      const seen = Math.max(0, ...known);
      const epochs = (await liveRows(records)).map(({ epoch }) => epoch);
      missed.push(...epochs.filter((epoch) => epoch < seen && !known.has(epoch)));
      for (const epoch of epochs) known.add(epoch);
    };
    const work = { isDone: false };
    const reading = (async () => {
      while (!work.isDone) await look();
    })();
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const one = login();
        const own = { ...use, jkt: `key-${index}` };
        await sessions.begin(one, account, own);
        await sessions.renew(one, { ...own, certificate: null });
      }),
    );
    work.isDone = true;
    await reading;
    assert.deepEqual(missed, []);
    assert.ok(known.size >= 12);
  });

  test("shows a change begun later only after the one begun before it", async (t) => {
    const identity = await testIdentity(t);
    const { sessions, account, login } = await bareSessions(identity);
    const one = await sessions.begin(login(), account, use);
    const other = await sessions.begin(login(), account, use);
    const records = identity.database.as("phylax_records");
    const before = await liveRows(records);
    const touch = (on: Queryable, id: string | undefined): Promise<unknown> =>
      on.query("UPDATE identity.session SET last_seen = now() WHERE id = $1", [id]);
    let later: Promise<unknown> = Promise.resolve();
    await identity.db.transaction(async (tx) => {
      await touch(tx, one?.session);
      later = touch(identity.db, other?.session);
      await setTimeout(200);
      assert.deepEqual(await liveRows(records), before);
    });
    await later;
    const order = (await liveRows(records)).map(({ session_id }) => session_id);
    assert.deepEqual(order, [one?.session, other?.session]);
  });

  test("shows neither another tenant's sessions nor any table to the records process", async (t) => {
    const identity = await testIdentity(t);
    await signIn(identity);
    const records = identity.database.as("phylax_records");
    const other = `SET LOCAL phylax.tenant = '${systemRandom.uuid()}'`;
    const rows = await records.transaction(async (tx) => {
      await tx.query(other);
      return [
        ...(await tx.query("SELECT * FROM identity.live")),
        ...(await tx.query("SELECT * FROM identity.directory")),
      ];
    });
    assert.deepEqual(rows, []);
    for (const table of ["session", "account", "oidc", "secret", "passkey", "totp"])
      await assert.rejects(records.query(`SELECT * FROM identity.${table}`), /permission denied/);
    const hidden = await identity.db.transaction(async (tx) => {
      await tx.query(other);
      return tx.query("SELECT id FROM identity.account");
    });
    assert.deepEqual(hidden, []);
  });

  test("tells in the directory who an account is", async (t) => {
    const identity = await testIdentity(t);
    const { account } = await makeAccount(identity, nurse);
    const rows = await identity.database
      .as("phylax_records")
      .query("SELECT * FROM identity.directory");
    assert.deepEqual(rows, [
      { account_id: account, roles: ["clinician"], practitioner: "prac-nia", patients: [] },
    ]);
  });
});

suite("sessions", () => {
  test("are one for each sign-in and device key", async (t) => {
    const identity = await testIdentity(t);
    const { sessions, account, login } = await bareSessions(identity);
    const one = login();
    const first = await sessions.begin(one, account, use);
    const same = await sessions.begin(one, account, use);
    const otherKey = await sessions.begin(one, account, { ...use, jkt: "another-key" });
    const otherLogin = await sessions.begin(login(), account, use);
    assert.deepEqual(same, first);
    assert.notEqual(otherKey?.session, first?.session);
    assert.notEqual(otherKey?.device, first?.device);
    assert.notEqual(otherLogin?.session, first?.session);
    assert.equal(otherLogin?.device, first?.device);
  });

  test("once ended are neither begun again nor renewed", async (t) => {
    const identity = await testIdentity(t);
    const { sessions, account, login } = await bareSessions(identity);
    const one = login();
    assert.notEqual(await sessions.begin(one, account, use), null);
    assert.equal(await sessions.isAlive(one, account), true);
    await sessions.endBrowser(sessions.browserOf(one.browserUid));
    assert.equal(await sessions.begin(one, account, use), null);
    assert.equal(await sessions.renew(one, { ...use, certificate: null }), null);
    assert.equal(await sessions.isAlive(one, account), false);
  });

  test("cannot begin past the absolute limit of their sign-in", async (t) => {
    const identity = await testIdentity(t);
    const { sessions, account, login } = await bareSessions(identity);
    const old = { ...login(), at: (systemClock.now() - 12 * 60 * 60_000 - 1) as Instant };
    assert.equal(await sessions.begin(old, account, use), null);
  });

  test("are renewed only with their own key and for their own client", async (t) => {
    const identity = await testIdentity(t);
    const { sessions, account, login } = await bareSessions(identity);
    const one = login();
    await sessions.begin(one, account, use);
    assert.equal(
      await sessions.renew(one, { ...use, jkt: "another-key", certificate: null }),
      null,
    );
    assert.equal(await sessions.renew(one, { ...use, client: "another", certificate: null }), null);
    assert.notEqual(await sessions.renew(one, { ...use, certificate: null }), null);
  });

  test("beyond twenty of one account end the oldest", async (t) => {
    const identity = await testIdentity(t);
    const { sessions, account, login } = await bareSessions(identity);
    const begun = [];
    for (let count = 0; count < 22; count += 1)
      begun.push(await sessions.begin(login(), account, use));
    const live = (await liveRows(identity.database.as("phylax_records"))).filter(
      ({ ended }) => !ended,
    );
    assert.equal(live.length, 20);
    const ids = live.map(({ session_id }) => session_id);
    assert.ok(!ids.includes(begun[0]?.session ?? ""));
    assert.ok(!ids.includes(begun[1]?.session ?? ""));
    assert.ok(ids.includes(begun[21]?.session ?? ""));
  });
});
