import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createApp, readJson } from "#identity/testing-app.ts";
import { origin, testIdentity } from "#identity/testing.ts";

const json = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body,
});

const begin = "/api/identity/enrol/begin";

suite("the handler", () => {
  test("does not know what is not declared, nor other methods of what is", async (t) => {
    const identity = await testIdentity(t);
    for (const path of [
      "/",
      "/oauth",
      "/oauth/device",
      "/sign-in/x",
      "/internal",
      "/oauth/token/x",
    ])
      assert.equal((await identity.send(path)).status, 404, path);
    assert.equal((await identity.send("/oauth/token")).status, 405);
    assert.equal((await identity.send("/oauth/jwks", { method: "DELETE" })).status, 405);
  });

  test("believes nobody who is not the gateway", async (t) => {
    const identity = await testIdentity(t);
    for (const role of ["keys", "identity", "nobody"])
      assert.equal((await identity.send("/oauth/jwks", {}, role)).status, 403, role);
  });

  test("shows the records process its keys and nothing else", async (t) => {
    const identity = await testIdentity(t);
    const records = await identity.send("/oauth/jwks", {}, "records");
    const theirs = await readJson(records);
    assert.doesNotMatch(JSON.stringify(theirs), /"d":/);
    assert.deepEqual(theirs, await readJson(await identity.send("/oauth/jwks")));
    assert.equal((await identity.send("/oauth/token", json("{}"), "records")).status, 403);
    assert.equal((await identity.send("/internal/accounts", json("{}"), "records")).status, 403);
  });

  test("refuses a gateway that does not tell who is behind it", async (t) => {
    const identity = await testIdentity(t, { address: "192.0.2.9" });
    assert.equal((await identity.send("/oauth/jwks")).status, 200);
    const headers = { "phylax-zone": "nowhere" };
    assert.equal((await identity.send("/oauth/jwks", { headers })).status, 403);
  });

  test("gives the request id back", async (t) => {
    const identity = await testIdentity(t);
    const response = await identity.send("/oauth/jwks");
    assert.match(response.headers.get("phylax-request-id") ?? "", /^[0-9a-f-]{36}$/);
  });

  test("takes JSON objects of at most 64 KiB and nothing else", async (t) => {
    const identity = await testIdentity(t);
    const statusOf = async (init: RequestInit): Promise<number> =>
      (await identity.send(begin, init)).status;
    assert.equal(await statusOf(json("{")), 400);
    assert.equal(await statusOf(json("[]")), 400);
    assert.equal(await statusOf(json("null")), 400);
    assert.equal(await statusOf(json('{"token":"\u0000"')), 400);
    assert.equal(await statusOf(json("{}", { "content-type": "text/plain" })), 415);
    assert.equal(
      await statusOf({ method: "POST", body: new URLSearchParams({ token: "x" }) }),
      415,
    );
    assert.equal(await statusOf(json(JSON.stringify({ token: "x".repeat(70_000) }))), 413);
    assert.equal(await statusOf(json(JSON.stringify({ token: "x".repeat(60_000) }))), 410);
  });

  test("refuses what a page of another site sends", async (t) => {
    const identity = await testIdentity(t);
    const app = createApp(identity);
    const uid = await app.open();
    const cookie = app.browser.cookies(`/sign-in/${uid}/passkey/options`);
    const path = `/sign-in/${uid}/passkey/options`;
    const foreign = await identity.send(
      path,
      json("{}", { cookie, origin: "https://evil.example" }),
    );
    assert.equal(foreign.status, 403);
    assert.equal((await identity.send(path, json("{}", { cookie, origin }))).status, 200);
  });

  test("says that the database does not answer, and nothing of why", async (t) => {
    const identity = await testIdentity(t);
    await identity.db.close();
    const own = await identity.send(begin, json(JSON.stringify({ token: "x".repeat(43) })));
    assert.equal(own.status, 503);
    assert.equal((await readJson(own))["type"], "urn:phylax:problem:storage-unavailable");
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: "phylax-portal",
      refresh_token: "x",
    });
    const key = createApp(identity).key.proof("POST", "/oauth/token");
    const theirs = await identity.send("/oauth/token", {
      method: "POST",
      body: form,
      headers: { dpop: key },
    });
    assert.equal(theirs.status, 503);
    assert.deepEqual(await theirs.json(), {
      error: "temporarily_unavailable",
      error_description: "the service does not answer at the moment",
    });
  });
});
