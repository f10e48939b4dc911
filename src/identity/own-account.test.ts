import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createApp, createProofKey, readJson, readTokens } from "#identity/testing-app.ts";
import { ana, asAna, codeOf, makeAccount } from "#identity/testing-people.ts";
import { origin, testIdentity, type TestIdentity } from "#identity/testing.ts";

const me = "/api/identity/me";
const signOut = "/api/identity/sign-out";

async function signedIn(identity: TestIdentity) {
  const { account } = await makeAccount(identity, ana);
  const app = createApp(identity);
  const answer = await app.signIn(asAna());
  const tokens = await readTokens(await app.exchange(answer.get("code") ?? ""));
  return { account, app, tokens };
}

const codeOfProblem = async (response: Response): Promise<string> =>
  String((await readJson(response))["type"]).replace("urn:phylax:problem:", "");

suite("one's own account", () => {
  test("is told to the person with a token and its proof, and nobody keeps the answer", async (t) => {
    const identity = await testIdentity(t);
    const { account, app, tokens } = await signedIn(identity);
    const response = await app.call("GET", me, tokens.access);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const { sessionEndsAt, ...told } = await readJson(response);
    assert.deepEqual(told, {
      account,
      displayName: "Ana Lima",
      roles: ["patient"],
      patients: ["pat-1"],
      actsFor: [],
      practitioner: null,
      language: null,
      idleMs: 30 * 60_000,
    });
    const hours = (Date.parse(String(sessionEndsAt)) - Date.now()) / 3_600_000;
    assert.ok(hours > 11.9 && hours <= 12);
    const entry = identity.log.entries.at(-1);
    assert.deepEqual([entry?.action, entry?.decision, entry?.actor], ["read", "permit", account]);
  });

  test("is refused without a token, with a way to get one", async (t) => {
    const identity = await testIdentity(t);
    const response = await identity.send(me);
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate") ?? "", /^DPoP algs="ES256/);
    assert.equal(await codeOfProblem(response), "token-missing");
  });

  test("is refused to a token shown as bearer, without its proof, or with another key's", async (t) => {
    const identity = await testIdentity(t);
    const { tokens } = await signedIn(identity);
    const withHeaders = (headers: Record<string, string>) => identity.send(me, { headers });
    const bearer = await withHeaders({ authorization: `Bearer ${tokens.access}` });
    assert.equal(await codeOfProblem(bearer), "token-missing");
    const bare = await withHeaders({ authorization: `DPoP ${tokens.access}` });
    assert.equal(await codeOfProblem(bare), "proof-invalid");
    const stolen = await withHeaders({
      authorization: `DPoP ${tokens.access}`,
      dpop: createProofKey().proof("GET", me, { token: tokens.access }),
    });
    assert.equal(stolen.status, 401);
    assert.match(stolen.headers.get("www-authenticate") ?? "", /error="invalid_dpop_proof"/);
    assert.equal(await codeOfProblem(stolen), "proof-invalid");
    const entry = identity.log.entries.at(-1);
    assert.deepEqual(
      [entry?.decision, entry?.reasons, entry?.actor],
      ["deny", ["proof-invalid"], null],
    );
  });

  test("is refused to a proof for another request", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signedIn(identity);
    for (const change of [
      { htm: "POST" },
      { htu: `${origin}${signOut}` },
      { htu: `https://evil.example${me}` },
      { token: "another token" },
      { iat: Math.floor(Date.now() / 1_000) - 120 },
      { iat: Math.floor(Date.now() / 1_000) + 120 },
      { jti: undefined },
    ]) {
      const response = await app.call("GET", me, tokens.access, change);
      assert.equal(response.status, 401, JSON.stringify(change));
    }
  });

  test("is told once for each proof", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signedIn(identity);
    const headers = {
      authorization: `DPoP ${tokens.access}`,
      dpop: app.key.proof("GET", me, { token: tokens.access }),
    };
    assert.equal((await identity.send(me, { headers })).status, 200);
    const replay = await identity.send(me, { headers });
    assert.equal(await codeOfProblem(replay), "proof-replayed");
  });

  test("is not told for an ID token or a changed access token", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signedIn(identity);
    const [header = "", payload = "", signature = ""] = tokens.access.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
    const changed = Buffer.from(JSON.stringify({ ...claims, scope: "system/*.*" }));
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: "at+jwt" })).toString("base64url");
    for (const token of [
      tokens.id,
      `${header}.${changed.toString("base64url")}.${signature}`,
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
    ])
      assert.equal(await codeOfProblem(await app.call("GET", me, token)), "token-invalid");
  });

  test("is not told while the log cannot be written", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signedIn(identity);
    identity.log.isDown = true;
    const response = await app.call("GET", me, tokens.access);
    assert.equal(response.status, 503);
    assert.doesNotMatch(await response.text(), /Ana/);
  });
});

suite("signing out", () => {
  test("ends the session, its refresh token and the browser's sign-on at once", async (t) => {
    const identity = await testIdentity(t);
    const { account, app, tokens } = await signedIn(identity);
    const response = await app.call("POST", signOut, tokens.access);
    assert.equal(response.status, 200);
    const entry = identity.log.entries.at(-1);
    assert.deepEqual([entry?.action, entry?.actor], ["sign-out", account]);
    assert.equal(await codeOfProblem(await app.call("GET", me, tokens.access)), "session-ended");
    assert.equal((await app.refresh(tokens.refresh)).status, 400);
    assert.equal((await app.silently()).get("error"), "login_required");
  });

  test("ends the session even while the log cannot be written, but does not say so", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signedIn(identity);
    identity.log.isDown = true;
    assert.equal((await app.call("POST", signOut, tokens.access)).status, 503);
    identity.log.isDown = false;
    assert.equal(await codeOfProblem(await app.call("GET", me, tokens.access)), "session-ended");
  });

  test("leaves the person's other browsers signed in", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signedIn(identity);
    const other = createApp(identity);
    const answer = await other.signIn(asAna(1));
    const theirs = await readTokens(await other.exchange(answer.get("code") ?? ""));
    await app.call("POST", signOut, tokens.access);
    assert.equal((await other.call("GET", me, theirs.access)).status, 200);
  });

  test("takes codes that were not exchanged yet with it", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signedIn(identity);
    const waiting = (await app.silently()).get("code") ?? "";
    await app.call("POST", signOut, tokens.access);
    assert.equal((await app.exchange(waiting)).status, 400);
  });
});

suite("the end-session endpoint", () => {
  const path = (parameters: Record<string, string>): string =>
    `/oauth/end-session?${new URLSearchParams(parameters).toString()}`;

  test("signs out the person whom the ID token names, and goes where her app registered", async (t) => {
    const identity = await testIdentity(t);
    const { account, app, tokens } = await signedIn(identity);
    const response = await app.browser.get(
      path({ id_token_hint: tokens.id, post_logout_redirect_uri: `${origin}/`, state: "s 1" }),
    );
    assert.equal(response.status, 303);
    assert.equal(response.headers.get("location"), `${origin}/?state=s+1`);
    assert.equal((await app.silently()).get("error"), "login_required");
    assert.equal((await app.call("GET", me, tokens.access)).status, 401);
    const entry = identity.log.entries.find(({ action }) => action === "sign-out");
    assert.deepEqual([entry?.actor, entry?.client], [account, "phylax-portal"]);
  });

  test("ends nothing without a hint that is hers, and goes nowhere unregistered", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signedIn(identity);
    const [header = "", payload = ""] = tokens.id.split(".");
    for (const parameters of [
      {},
      { id_token_hint: "nonsense" },
      { id_token_hint: `${header}.${payload}.${"A".repeat(86)}` },
      { id_token_hint: tokens.access },
      { post_logout_redirect_uri: "https://evil.example/" },
    ]) {
      const response = await app.browser.get(path(parameters));
      assert.equal(response.headers.get("location"), `${origin}/`);
    }
    assert.notEqual((await app.silently()).get("code"), null);
    const evil = { id_token_hint: tokens.id, post_logout_redirect_uri: "https://evil.example/" };
    const response = await app.browser.get(path(evil));
    assert.equal(response.headers.get("location"), `${origin}/`);
  });

  test("does not sign out another person than the hint names", async (t) => {
    const identity = await testIdentity(t);
    const { tokens } = await signedIn(identity);
    const { displayName, roles } = ana;
    const bob = {
      displayName,
      roles,
      login: "bob",
      password: ana.password,
      totpSeed: ana.totpSeed,
    };
    await makeAccount(identity, bob);
    const app = createApp(identity);
    await app.signIn(async (browser, uid) => {
      await browser.postJson(`/sign-in/${uid}/password`, bob);
      return browser.postJson(`/sign-in/${uid}/totp`, { code: codeOf(bob.totpSeed) });
    });
    await app.browser.get(path({ id_token_hint: tokens.id }));
    assert.notEqual((await app.silently()).get("code"), null);
  });
});
