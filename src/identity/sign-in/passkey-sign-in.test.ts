import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createAuthenticator } from "#identity/passkeys/testing-authenticator.ts";
import { claimsOf, createApp, readJson, readTokens } from "#identity/testing-app.ts";
import { byPasskey, enrol } from "#identity/testing-passkeys.ts";
import { ana, makeAccount, nurse } from "#identity/testing-people.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

async function withPasskey(identity: TestIdentity, person: unknown = ana) {
  const { account, token } = await makeAccount(identity, person);
  return { account, authenticator: await enrol(identity, token) };
}

suite("signing in with a passkey", () => {
  test("needs no user name and leads to tokens of the passkey's account", async (t) => {
    const identity = await testIdentity(t);
    const { account, authenticator } = await withPasskey(identity);
    await withPasskey(identity, nurse);
    const app = createApp(identity);
    const answer = await app.signIn(byPasskey(authenticator));
    const tokens = await readTokens(await app.exchange(answer.get("code") ?? ""));
    assert.equal(claimsOf(tokens.access)["sub"], account);
    const entry = identity.log.entries.find(({ action }) => action === "sign-in");
    assert.deepEqual([entry?.actor, entry?.reasons], [account, ["hwk+user"]]);
  });

  test("works again and again with one passkey", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator } = await withPasskey(identity);
    for (const _ of [1, 2, 3]) {
      const answer = await createApp(identity).signIn(byPasskey(authenticator));
      assert.notEqual(answer.get("code"), null);
    }
  });

  test("asks the authenticator to verify the person, for any passkey of this site", async (t) => {
    const identity = await testIdentity(t);
    const app = createApp(identity);
    const uid = await app.open();
    const options = await readJson(
      await app.browser.postJson(`/sign-in/${uid}/passkey/options`, {}),
    );
    assert.equal(options["rpId"], "portal.example");
    assert.equal(options["userVerification"], "required");
    assert.deepEqual(options["allowCredentials"] ?? [], []);
    assert.equal(Buffer.from(String(options["challenge"]), "base64url").length, 32);
  });

  const wrongs = {
    "of another origin": { origin: "https://evil.example" },
    "for another relying party": { rpId: "evil.example" },
    "to another challenge": { challenge: Buffer.alloc(32).toString("base64url") },
    "without verifying the person": { flags: 0x01 },
    "without the person's presence": { flags: 0x04 },
    "that is a registration": { type: "webauthn.create" },
    "naming another account": { userHandle: Buffer.alloc(16, 7).toString("base64url") },
  };
  for (const [name, wrong] of Object.entries(wrongs)) {
    test(`an answer ${name} is refused and logged`, async (t) => {
      const identity = await testIdentity(t);
      const { authenticator } = await withPasskey(identity);
      const app = createApp(identity);
      const response = await byPasskey(authenticator, wrong)(app.browser, await app.open());
      assert.equal(response.status, 401);
      assert.equal((await readJson(response))["type"], "urn:phylax:problem:passkey-refused");
      const entry = identity.log.entries.at(-1);
      assert.deepEqual(
        [entry?.action, entry?.decision, entry?.reasons, entry?.actor],
        ["sign-in", "deny", ["passkey-refused"], null],
      );
    });
  }

  test("a passkey that was never enrolled is refused", async (t) => {
    const identity = await testIdentity(t);
    const { account } = await withPasskey(identity);
    const app = createApp(identity);
    const handle = Buffer.from(account.replaceAll("-", ""), "hex").toString("base64url");
    const stranger = byPasskey(createAuthenticator(), { userHandle: handle });
    assert.equal((await stranger(app.browser, await app.open())).status, 401);
  });

  test("an answer whose counter does not grow is refused: the passkey was copied", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator } = await withPasskey(identity);
    await createApp(identity).signIn(byPasskey(authenticator, { counter: 9 }));
    const app = createApp(identity);
    const copy = byPasskey(authenticator, { counter: 9 });
    assert.equal((await copy(app.browser, await app.open())).status, 401);
  });

  test("a challenge serves one answer", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator } = await withPasskey(identity);
    const app = createApp(identity);
    const uid = await app.open();
    const options = await readJson(
      await app.browser.postJson(`/sign-in/${uid}/passkey/options`, {}),
    );
    const verify = (wrong = {}) =>
      app.browser.postJson(`/sign-in/${uid}/passkey/verify`, {
        credential: authenticator.get(options, wrong),
      });
    assert.equal((await verify({ origin: "https://evil.example" })).status, 401);
    assert.equal((await verify()).status, 401, "the challenge was used up by the wrong answer");
  });

  test("a challenge is too old after five minutes", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator } = await withPasskey(identity);
    const app = createApp(identity);
    const uid = await app.open();
    const options = await readJson(
      await app.browser.postJson(`/sign-in/${uid}/passkey/options`, {}),
    );
    await identity.db.query(
      "UPDATE identity.sign_in SET challenge_ends_at = challenge_ends_at - interval '5 minutes'",
    );
    const credential = authenticator.get(options);
    const late = await app.browser.postJson(`/sign-in/${uid}/passkey/verify`, { credential });
    assert.equal(late.status, 401);
  });

  test("a challenge of one browser's sign-in serves no other's", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator } = await withPasskey(identity);
    const [one, other] = [createApp(identity), createApp(identity)];
    const uids = [await one.open(), await other.open()];
    const options = await readJson(
      await one.browser.postJson(`/sign-in/${uids[0]}/passkey/options`, {}),
    );
    await other.browser.postJson(`/sign-in/${uids[1]}/passkey/options`, {});
    const credential = authenticator.get(options);
    const crossed = await other.browser.postJson(`/sign-in/${uids[1]}/passkey/verify`, {
      credential,
    });
    assert.equal(crossed.status, 401);
  });

  test("a closed account is not let in", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator } = await withPasskey(identity);
    await identity.db.query("UPDATE identity.account SET status = 'closed'");
    const app = createApp(identity);
    assert.equal((await byPasskey(authenticator)(app.browser, await app.open())).status, 401);
  });

  test("nobody is let in while the log cannot be written", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator } = await withPasskey(identity);
    const app = createApp(identity);
    const uid = await app.open();
    identity.log.isDown = true;
    const response = await byPasskey(authenticator)(app.browser, uid);
    assert.equal(response.status, 503);
    assert.doesNotMatch(await response.text(), /redirect/);
    const resumed = await app.browser.get(`/oauth/authorize/${uid}`);
    assert.doesNotMatch(resumed.headers.get("location") ?? "", /code=/);
  });
});

suite("the sign-in page's interaction", () => {
  test("tells the page which app asks", async (t) => {
    const identity = await testIdentity(t);
    const app = createApp(identity);
    const uid = await app.open();
    const state = await readJson(await app.browser.get(`/sign-in/${uid}/state`));
    assert.deepEqual(state, {
      client: "phylax-portal",
      prompt: "login",
      outside: [],
      isBack: false,
    });
  });

  test("is refused without its cookie, or with the address of another", async (t) => {
    const identity = await testIdentity(t);
    const app = createApp(identity);
    const uid = await app.open();
    const bare = await identity.send(`/sign-in/${uid}/state`);
    assert.equal(bare.status, 410);
    const stranger = createApp(identity);
    const theirs = await stranger.open();
    const cookie = app.browser.cookies(`/sign-in/${uid}/state`);
    const crossed = await identity.send(`/sign-in/${theirs}/state`, { headers: { cookie } });
    assert.equal(crossed.status, 410);
  });

  test("is over after too many failures", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator } = await withPasskey(identity);
    const app = createApp(identity);
    const uid = await app.open();
    const fail = byPasskey(authenticator, { origin: "https://evil.example" });
    for (let tries = 0; tries < 10; tries += 1) await fail(app.browser, uid);
    const response = await app.browser.postJson(`/sign-in/${uid}/passkey/options`, {});
    assert.equal(response.status, 410);
  });

  test("signs a second person in on the same browser only after the first is out", async (t) => {
    const identity = await testIdentity(t);
    const first = await withPasskey(identity);
    const second = await withPasskey(identity, nurse);
    const app = createApp(identity);
    const answer = await app.signIn(byPasskey(first.authenticator));
    const hers = await readTokens(await app.exchange(answer.get("code") ?? ""));
    const next = await app.signIn(byPasskey(second.authenticator), { prompt: "login" });
    const tokens = await readTokens(await app.exchange(next.get("code") ?? ""));
    assert.equal(claimsOf(tokens.access)["sub"], second.account);
    assert.equal((await app.call("GET", "/api/identity/me", hers.access)).status, 401);
    assert.equal((await app.refresh(hers.refresh)).status, 400);
  });

  test("asked for again by the same person, gives a session of its own", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator } = await withPasskey(identity);
    const app = createApp(identity);
    const answer = await app.signIn(byPasskey(authenticator));
    await readTokens(await app.exchange(answer.get("code") ?? ""));
    await identity.db.query(
      "UPDATE identity.session SET last_seen = last_seen - interval '40 minutes'",
    );
    // Sign-ins of one browser are told apart by their second.
    await setTimeout(1_100);
    const again = await app.signIn(byPasskey(authenticator));
    const tokens = await readTokens(await app.exchange(again.get("code") ?? ""));
    assert.equal((await app.call("GET", "/api/identity/me", tokens.access)).status, 200);
  });
});
