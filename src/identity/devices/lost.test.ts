import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createApp, readJson } from "#identity/testing-app.ts";
import { byPasskey } from "#identity/testing-passkeys.ts";
import { ana, nurse } from "#identity/testing-people.ts";
import {
  codeOfProblem,
  itemsOf,
  signedInPerson,
  signInAgain,
  type SignedInPerson,
} from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";

const officer = {
  displayName: "Pia Ott",
  roles: ["privacy-officer"],
  patients: [],
  practitioner: null,
  externalId: "demo:pia",
} as const;

async function deviceOf(person: SignedInPerson): Promise<string> {
  const items = await itemsOf(await person.call("GET", "account/devices"));
  return String(items.find(({ isThis }) => isThis === true)?.["id"]);
}

suite("a device told to be lost", () => {
  test("has no session, refresh token, code or sign-on left, and its key begins none again", async (t) => {
    const identity = await testIdentity(t);
    const phone = await signedInPerson(identity, ana);
    const laptop = await signInAgain(identity, phone.account, phone.authenticator);
    const waiting = (await phone.app.silently()).get("code") ?? "";
    const id = await deviceOf(phone);
    const answer = await laptop.call("POST", `account/devices/${id}/lost`);
    assert.equal(answer.status, 200);
    const lost = await readJson(answer);
    assert.deepEqual([lost["id"], lost["devices"], lost["sessionsEnded"]], [id, [id], 1]);

    const told = await phone.app.call("GET", "/api/identity/me", phone.tokens.access);
    assert.equal(await codeOfProblem(told), "session-ended");
    assert.equal((await phone.app.refresh(phone.tokens.refresh)).status, 400);
    assert.equal((await phone.app.exchange(waiting)).status, 400);
    assert.equal((await phone.app.silently()).get("error"), "login_required");
    // Whoever knows how to sign in still gets no token for this key.
    const again = await phone.app.signIn(byPasskey(phone.authenticator));
    assert.equal((await phone.app.exchange(again.get("code") ?? "")).status, 400);
    assert.equal((await laptop.call("GET", "me")).status, 200);
    const items = await itemsOf(await laptop.call("GET", "account/devices"));
    const shown = items.find((item) => item["id"] === id);
    assert.deepEqual([shown?.["level"], shown?.["isSignedIn"]], [0, false]);
    assert.equal(shown?.["lostAt"], lost["lostAt"]);
  });

  test("is so for everybody who used it", async (t) => {
    const identity = await testIdentity(t);
    const first = await signedInPerson(identity, ana);
    const second = await signedInPerson(identity, nurse);
    // As though both used one browser profile.
    await identity.db.query("UPDATE identity.device SET jkt = $1", [first.app.key.jkt]);
    const pia = await signedInPerson(identity, officer);
    const id = await deviceOf(first);
    const lost = await readJson(await pia.call("POST", `admin/devices/${id}/lost`));
    assert.ok(Array.isArray(lost["devices"]));
    assert.equal(lost["devices"].length, 2);
    assert.equal(lost["sessionsEnded"], 2);
    assert.equal((await second.call("GET", "me")).status, 401);
  });

  test("takes along the apps that its browser was signed in to", async (t) => {
    const identity = await testIdentity(t);
    const phone = await signedInPerson(identity, ana);
    const app = createApp(identity, phone.app.browser);
    const code = (await app.silently()).get("code") ?? "";
    const tokens = await readJson(await app.exchange(code));
    const laptop = await signInAgain(identity, phone.account, phone.authenticator);
    const lost = await readJson(
      await laptop.call("POST", `account/devices/${await deviceOf(phone)}/lost`),
    );
    assert.equal(lost["sessionsEnded"], 2);
    const told = await app.call("GET", "/api/identity/me", String(tokens["access_token"]));
    assert.equal(told.status, 401);
  });

  test("loses the passkeys that were on it, and a link for a further device that waits", async (t) => {
    const identity = await testIdentity(t);
    const phone = await signedInPerson(identity, ana);
    const link = await readJson(await phone.call("POST", "account/second-device"));
    const [passkey] = await itemsOf(await phone.call("GET", "account/passkeys"));
    const pia = await signedInPerson(identity, officer);
    const path = `admin/devices/${await deviceOf(phone)}/lost`;
    assert.equal((await pia.call("POST", path, { passkeys: ["*"] })).status, 400);
    const answer = await pia.call("POST", path, { passkeys: [passkey?.["id"]] });
    assert.equal((await readJson(answer))["passkeysRemoved"], 1);
    const app = createApp(identity);
    await assert.rejects(app.signIn(byPasskey(phone.authenticator)), /passkey-refused/);
    const token = String(link["enrolPath"]).split("token=")[1] ?? "";
    assert.notEqual(token, "");
    const begun = await identity.send("/api/identity/enrol/begin", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token }),
    });
    assert.notEqual(begun.status, 200);
  });

  test("raises a signal with who said so and about which, and tells its people", async (t) => {
    const identity = await testIdentity(t);
    const phone = await signedInPerson(identity, ana);
    const pia = await signedInPerson(identity, officer);
    const id = await deviceOf(phone);
    await pia.call("POST", `admin/devices/${id}/lost`);
    const raised = identity.log.entries.filter(({ signal }) => signal === "device-lost");
    assert.equal(raised.length, 1);
    assert.deepEqual(
      [raised[0]?.actor, raised[0]?.resourceId, raised[0]?.decision],
      [pia.account, id, "permit"],
    );
    const again = await signInAgain(identity, phone.account, phone.authenticator);
    const notices = await itemsOf(await again.call("GET", "account/notices"));
    assert.ok(notices.some(({ kind }) => kind === "device-lost"));
  });

  test("is shut out even while the log cannot be written, though that is then not said", async (t) => {
    const identity = await testIdentity(t);
    const phone = await signedInPerson(identity, ana);
    const laptop = await signInAgain(identity, phone.account, phone.authenticator);
    const id = await deviceOf(phone);
    identity.log.isDown = true;
    assert.equal((await laptop.call("POST", `account/devices/${id}/lost`)).status, 503);
    identity.log.isDown = false;
    assert.equal((await phone.call("GET", "me")).status, 401);
  });

  test("may be told again, and by an operator's command, and stays lost since the first time", async (t) => {
    const identity = await testIdentity(t);
    const phone = await signedInPerson(identity, ana);
    const id = await deviceOf(phone);
    const first = await readJson(await identity.operate("/internal/devices/lost", { id }));
    const second = await readJson(await identity.operate("/internal/devices/lost", { id }));
    assert.equal(second["lostAt"], first["lostAt"]);
    assert.equal(second["sessionsEnded"], 0);
    const none = "00000000-0000-4000-8000-000000000000";
    assert.equal((await identity.operate("/internal/devices/lost", { id: none })).status, 404);
    assert.equal((await identity.operate("/internal/devices/lost", { id: 7 })).status, 404);
  });

  test("wins over a session that begins at the same moment", async (t) => {
    const identity = await testIdentity(t);
    const phone = await signedInPerson(identity, ana);
    const id = await deviceOf(phone);
    for (let round = 0; round < 3; round += 1) {
      const prove = byPasskey(phone.authenticator);
      const code = (await phone.app.signIn(prove, { max_age: "0" })).get("code") ?? "";
      const both = [identity.operate("/internal/devices/lost", { id }), phone.app.exchange(code)];
      await Promise.all(both);
      const [left] = await identity.db.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM identity.session WHERE ended_at IS NULL AND device = $1",
        [id],
      );
      assert.equal(left?.n, 0);
      // As though nothing had been lost, for the next round.
      await identity.db.query("UPDATE identity.device_key SET lost_at = NULL, lost_by = NULL");
      await identity.db.query("UPDATE identity.device SET level = 1");
    }
  });
});

suite("everybody's devices", () => {
  test("are for administrators, security operators and privacy officers alone", async (t) => {
    const identity = await testIdentity(t);
    for (const roles of [["patient"], ["clinician"]]) {
      const person = await signedInPerson(identity, {
        ...officer,
        externalId: roles[0],
        patients: roles[0] === "patient" ? ["pat-2"] : [],
        roles,
      });
      const id = await deviceOf(person);
      assert.equal((await person.call("POST", "admin/devices/search", {})).status, 403);
      assert.equal((await person.call("GET", `admin/devices/${id}`)).status, 403);
      assert.equal((await person.call("POST", `admin/devices/${id}/lost`)).status, 403);
    }
    for (const role of ["administrator", "security-operator", "privacy-officer"]) {
      const person = await signedInPerson(identity, {
        ...officer,
        externalId: role,
        roles: [role],
      });
      assert.equal((await person.call("POST", "admin/devices/search", {})).status, 200);
    }
  });

  test("are found by owner, level, manager and loss, with their owner's name", async (t) => {
    const identity = await testIdentity(t);
    const phone = await signedInPerson(identity, ana);
    const pia = await signedInPerson(identity, officer);
    const id = await deviceOf(phone);
    const found = async (asked: unknown): Promise<readonly unknown[]> =>
      (await itemsOf(await pia.call("POST", "admin/devices/search", asked))).map(
        (item) => item["id"],
      );
    assert.equal((await found({})).length, 2);
    assert.deepEqual(await found({ account: phone.account }), [id]);
    assert.deepEqual(await found({ lost: true }), []);
    assert.deepEqual(await found({ leastLevel: 2 }), []);
    assert.deepEqual(await found({ managedBy: "nobody" }), []);
    await pia.call("POST", `admin/devices/${id}/lost`);
    assert.deepEqual(await found({ lost: true, mostLevel: 0 }), [id]);
    const shown = await readJson(await pia.call("GET", `admin/devices/${id}`));
    assert.deepEqual(shown["owner"], { id: phone.account, displayName: "Ana Lima" });
    for (const wrong of [{ account: 1 }, { lost: "yes" }, { leastLevel: 5 }, { after: "x" }])
      assert.equal((await pia.call("POST", "admin/devices/search", wrong)).status, 400);
  });

  test("come in pages", async (t) => {
    const identity = await testIdentity(t);
    const pia = await signedInPerson(identity, officer);
    await identity.db.query(
      `INSERT INTO identity.device (id, account, jkt, kind, level, first_seen, last_seen)
        SELECT gen_random_uuid(), $1, 'key ' || n, 'browser', 1,
          now() - n * interval '1 hour', now() FROM generate_series(1, 60) AS n`,
      [pia.account],
    );
    const first = await readJson(await pia.call("POST", "admin/devices/search", {}));
    const next = await readJson(
      await pia.call("POST", "admin/devices/search", { after: first["next"] }),
    );
    const idsOf = ({ items }: Readonly<Record<string, unknown>>): unknown[] =>
      Array.isArray(items) ? items.map((item: { id: unknown }) => item.id) : [];
    const all = [...idsOf(first), ...idsOf(next)];
    assert.deepEqual([idsOf(first).length, all.length, new Set(all).size], [50, 61, 61]);
    assert.equal(next["next"], null);
  });
});
