import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createBrowser } from "#identity/testing-browser.ts";
import { authorizePath, createApp, readTokens } from "#identity/testing-app.ts";
import { byPasskey } from "#identity/testing-passkeys.ts";
import { ana, nurse } from "#identity/testing-people.ts";
import {
  codeOfProblem,
  itemsOf,
  signedInPerson,
  signInAgain,
} from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";

const me = "/api/identity/me";

suite("one's own sessions", () => {
  test("are listed with device, last place and time, and which one this is", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const other = await signInAgain(identity, person.account, person.authenticator);
    const items = await itemsOf(await other.call("GET", "account/sessions"));
    assert.deepEqual(
      items.map(({ isThis }) => isThis),
      [true, false],
    );
    for (const one of items) {
      assert.equal(one["lastPlace"], "192.0.2.7");
      assert.equal(one["lastZone"], "internet");
      assert.deepEqual(one["apps"], ["phylax-portal"]);
      assert.ok(Date.parse(String(one["lastSeenAt"])) > Date.now() - 60_000);
    }
  });

  test("hold no address in the clear", async (t) => {
    const identity = await testIdentity(t);
    await signedInPerson(identity, ana);
    const [row] = await identity.db.query("SELECT * FROM identity.session");
    assert.doesNotMatch(JSON.stringify(row), /192\.0\.2\.7/);
    const sealed: unknown = row?.["seen_sealed"];
    assert.ok(Buffer.isBuffer(sealed) && !sealed.includes("192.0.2.7"));
  });

  test("end one by one, with all that the browser held", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const other = await signInAgain(identity, person.account, person.authenticator);
    const items = await itemsOf(await person.call("GET", "account/sessions"));
    const theirs = items.find(({ isThis }) => isThis === false);
    const ended = await person.call("DELETE", `account/sessions/${String(theirs?.["id"])}`);
    assert.equal(ended.status, 200);
    assert.equal((await other.app.call("GET", me, other.tokens.access)).status, 401);
    assert.equal((await other.app.refresh(other.tokens.refresh)).status, 400);
    assert.equal((await other.app.silently()).get("error"), "login_required");
    assert.equal((await person.app.call("GET", me, person.tokens.access)).status, 200);
  });

  test("of another person are not to be ended", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const other = await signedInPerson(identity, nurse);
    const [theirs] = await itemsOf(await other.call("GET", "account/sessions"));
    const response = await person.call("DELETE", `account/sessions/${String(theirs?.["id"])}`);
    assert.equal(response.status, 404);
    assert.equal((await other.app.call("GET", me, other.tokens.access)).status, 200);
  });
});

suite("signing out everywhere", () => {
  test("ends every session, refresh token, code and sign-on of the person, and nobody else's", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const other = await signInAgain(identity, person.account, person.authenticator);
    const nia = await signedInPerson(identity, nurse);
    const waiting = (await other.app.silently()).get("code") ?? "";
    assert.equal((await person.call("POST", "account/sign-out-everywhere")).status, 200);
    for (const one of [person, other]) {
      const told = await one.app.call("GET", me, one.tokens.access);
      assert.equal(await codeOfProblem(told), "session-ended");
      assert.equal((await one.app.refresh(one.tokens.refresh)).status, 400);
      assert.equal((await one.app.silently()).get("error"), "login_required");
    }
    assert.equal((await other.app.exchange(waiting)).status, 400);
    assert.equal((await nia.app.call("GET", me, nia.tokens.access)).status, 200);
  });

  test("reaches a browser that signed in but asked for no token yet", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const app = createApp(identity);
    const code = (await app.signIn(byPasskey(person.authenticator))).get("code") ?? "";
    await person.call("POST", "account/sign-out-everywhere");
    // As though the sign-in had been a while ago: a cookie tells its time in whole seconds.
    await identity.db.query(
      "UPDATE identity.account SET signed_out_at = signed_out_at + interval '2 seconds'",
    );
    assert.equal((await app.exchange(code)).status, 400);
    assert.equal((await app.silently()).get("error"), "login_required");
  });

  test("leaves the person free to sign in again at once", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    await person.call("POST", "account/sign-out-everywhere");
    const again = await signInAgain(identity, person.account, person.authenticator);
    assert.equal((await again.app.call("GET", me, again.tokens.access)).status, 200);
  });
});

suite("a sign-in", () => {
  test("gives the browser a new sign-on, whatever cookie it came with", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const victim = createBrowser(identity);
    const app = createApp(identity, victim);
    await app.signIn(byPasskey(person.authenticator));
    const before = victim.cookies("/");
    // max_age makes the person prove herself again in the same browser.
    const again = await app.signIn(byPasskey(person.authenticator), { max_age: "0" });
    assert.notEqual(victim.cookies("/"), before);
    const thief = await identity.send(authorizePath({ prompt: "none" }), {
      headers: { cookie: before, accept: "text/html" },
    });
    assert.match(thief.headers.get("location") ?? "", /error=login_required/);
    await readTokens(await app.exchange(again.get("code") ?? ""));
  });
});

suite("the account's own settings", () => {
  test("keep the language, and tell it", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    assert.equal((await person.call("PATCH", "account", { language: "es-US" })).status, 200);
    const told = await person.app.call("GET", me, person.tokens.access);
    assert.match(await told.text(), /"language":"es-US"/);
  });

  test("take no language that is none", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    for (const language of ["", "x", "en_US", "en\n", 7, `en-${"a".repeat(40)}`])
      assert.equal((await person.call("PATCH", "account", { language })).status, 400);
  });
});
