import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseJwks, verifyAccessToken } from "#core/access-token.ts";
import { systemClock } from "#core/clock.ts";
import {
  authorizePath,
  claimsOf,
  createApp,
  createProofKey,
  readJson,
  readTokens,
  verifier,
} from "#identity/testing-app.ts";
import { createBrowser, pathOf } from "#identity/testing-browser.ts";
import { ana, asAna, makeAccount } from "#identity/testing-people.ts";
import { origin, testIdentity, type TestIdentity } from "#identity/testing.ts";

/** An app in which Ana has just signed in, with the code it got. */
async function signedIn(identity: TestIdentity) {
  await makeAccount(identity, ana);
  const app = createApp(identity);
  const answer = await app.signIn(asAna());
  return { app, code: answer.get("code") ?? "" };
}

const lastEntry = ({ log }: TestIdentity) => log.entries.at(-1);

suite("the authorization code flow", () => {
  test("gives DPoP-bound tokens that verify with the published keys", async (t) => {
    const identity = await testIdentity(t);
    const { account } = await makeAccount(identity, ana);
    const app = createApp(identity);
    const answer = await app.signIn(asAna());
    assert.equal(answer.get("state"), "a-state");
    assert.equal(answer.get("iss"), origin);
    const tokens = await readTokens(await app.exchange(answer.get("code") ?? ""));
    assert.equal(tokens.body["token_type"], "DPoP");
    assert.equal(tokens.body["expires_in"], 300);
    assert.equal(tokens.body["scope"], "patient/*.rs user/*.rs");

    const published: unknown = await (await identity.send("/oauth/jwks")).json();
    assert.doesNotMatch(JSON.stringify(published), /"d":/);
    const keys = await parseJwks(published);
    const verified = await verifyAccessToken({
      token: tokens.access,
      issuer: origin,
      audience: `${origin}/fhir`,
      keyOf: async (kid) => keys.get(kid) ?? null,
      now: systemClock.now(),
    });
    assert.ok(verified.ok, "the token does not verify");
    assert.equal(verified.value.account, account);
    assert.deepEqual(verified.value.binding, { kind: "dpop", jkt: app.key.jkt });
    assert.equal(verified.value.client, "phylax-portal");
    assert.deepEqual(verified.value.scopes, ["patient/*.rs", "user/*.rs"]);
    const idClaims = claimsOf(tokens.id);
    assert.equal(idClaims["sub"], account);
    assert.equal(idClaims["fhirUser"], `${origin}/fhir/Patient/pat-1`);
    assert.deepEqual(identity.faults, []);
  });

  test("writes the sign-in and the token to the log, with session and device", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const tokens = await readTokens(await app.exchange(code));
    const [link, signIn, token] = identity.log.entries;
    assert.equal(identity.log.entries.length, 3);
    assert.deepEqual(
      [link?.action, link?.actor, link?.zone],
      ["enrol", "process:operator", "operator"],
    );
    assert.deepEqual(
      [signIn?.action, signIn?.decision, signIn?.role],
      ["sign-in", "permit", "patient"],
    );
    assert.equal(signIn?.address, "192.0.2.7");
    const claims = claimsOf(tokens.access);
    assert.deepEqual(
      [token?.action, token?.decision, token?.actor, token?.session, token?.device, token?.client],
      ["token", "permit", claims["sub"], claims["sid"], claims["device"], "phylax-portal"],
    );
  });

  test("gives no token while the log cannot be written", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    identity.log.isDown = true;
    const response = await app.exchange(code);
    assert.equal(response.status, 503);
    assert.deepEqual(Object.keys(await readJson(response)).sort(), ["error", "error_description"]);
  });

  test("does not begin without PKCE, nor with the plain method", async (t) => {
    const identity = await testIdentity(t);
    const { browser } = createApp(identity);
    for (const change of [
      { code_challenge: "", code_challenge_method: "" },
      { code_challenge_method: "plain" },
      { code_challenge_method: "" },
    ]) {
      const response = await browser.get(authorizePath(change));
      const location = new URL(response.headers.get("location") ?? "");
      assert.equal(location.pathname, "/callback");
      assert.equal(location.searchParams.get("error"), "invalid_request", JSON.stringify(change));
    }
  });

  test("never sends a code to an address that is not registered", async (t) => {
    const identity = await testIdentity(t);
    const { browser } = createApp(identity);
    const response = await browser.get(authorizePath({ redirect_uri: "https://evil.example/cb" }));
    assert.equal(response.headers.get("location"), `${origin}/callback?error=invalid_redirect_uri`);
  });

  test("tells an API caller of an error in JSON, not by a page", async (t) => {
    const identity = await testIdentity(t);
    const { browser } = createApp(identity);
    const response = await browser.get(authorizePath({ client_id: "unknown" }), {
      accept: "application/json",
    });
    assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
    assert.equal((await readJson(response))["error"], "invalid_client");
  });

  test("answers no HTML, whatever response mode is asked for", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const app = createApp(identity);
    for (const mode of ["form_post", "fragment", "web_message"]) {
      const response = await app.browser.get(
        authorizePath({ response_mode: mode, prompt: "none" }),
      );
      assert.doesNotMatch(response.headers.get("content-type") ?? "", /html/, mode);
      assert.doesNotMatch(await response.text(), /</, mode);
    }
  });

  test("refuses a code whose verifier, redirect address or client is another", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    for (const change of [
      { code_verifier: "another-verifier-that-is-long-enough-for-the-specification" },
      { redirect_uri: `${origin}/other` },
    ]) {
      const response = await app.exchange(code, change);
      assert.equal(response.status, 400);
      assert.equal((await readJson(response))["error"], "invalid_grant");
      assert.deepEqual(
        [lastEntry(identity)?.decision, lastEntry(identity)?.reasons],
        ["deny", ["invalid_grant"]],
      );
    }
    assert.equal((await app.exchange(code, { client_id: "unknown" })).status, 401);
    assert.equal((await app.exchange(code)).status, 200, "a refused try does not use the code up");
  });

  test("ends the session when a code is shown a second time", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const tokens = await readTokens(await app.exchange(code));
    assert.equal((await app.call("GET", "/api/identity/me", tokens.access)).status, 200);
    const replay = await app.exchange(code);
    assert.equal((await readJson(replay))["error"], "invalid_grant");
    assert.equal(lastEntry(identity)?.signal, "token-reuse");
    assert.equal((await app.refresh(tokens.refresh)).status, 400);
    assert.equal((await app.call("GET", "/api/identity/me", tokens.access)).status, 401);
  });

  test("is open to pages of our own origin and of no other", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const ask = (from: string): Promise<Response> =>
      app.browser.postForm(
        "/oauth/token",
        {
          grant_type: "authorization_code",
          client_id: "phylax-portal",
          redirect_uri: `${origin}/callback`,
          code_verifier: verifier,
          code,
        },
        { dpop: app.key.proof("POST", "/oauth/token"), origin: from },
      );
    const foreign = await ask("https://evil.example");
    assert.equal(foreign.headers.get("access-control-allow-origin"), null);
    assert.equal(foreign.status, 400);
    assert.equal((await ask(origin)).status, 200);
  });

  test("of one code shown twice at once, at most one gets tokens", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const responses = await Promise.all([
      app.exchange(code),
      app.exchange(code),
      app.exchange(code),
    ]);
    assert.ok(responses.filter(({ status }) => status === 200).length <= 1);
    assert.deepEqual(identity.faults, []);
  });
});

suite("sender-constrained tokens", () => {
  test("the token endpoint gives nothing without a DPoP proof", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const response = await app.browser.postForm("/oauth/token", {
      grant_type: "authorization_code",
      client_id: "phylax-portal",
      redirect_uri: `${origin}/callback`,
      code_verifier: verifier,
      code,
    });
    assert.equal(response.status, 400);
    assert.equal((await readJson(response))["error"], "invalid_grant");
  });

  test("a code asked for with one key is not given tokens for another", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const app = createApp(identity);
    const answer = await app.signIn(asAna(), { dpop_jkt: createProofKey().jkt });
    assert.equal((await app.exchange(answer.get("code") ?? "")).status, 400);
  });

  test("one proof serves one request to the token endpoint", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const dpop = app.key.proof("POST", "/oauth/token");
    const form = {
      grant_type: "authorization_code",
      client_id: "phylax-portal",
      redirect_uri: `${origin}/callback`,
      code_verifier: verifier,
      code,
    };
    const tokens = await readTokens(await app.browser.postForm("/oauth/token", form, { dpop }));
    const again = await app.browser.postForm(
      "/oauth/token",
      { grant_type: "refresh_token", client_id: "phylax-portal", refresh_token: tokens.refresh },
      { dpop },
    );
    assert.equal(again.status, 400);
    assert.equal((await app.refresh(tokens.refresh)).status, 200);
  });
});

suite("refresh tokens", () => {
  test("are rotated at each use and keep the session", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const first = await readTokens(await app.exchange(code));
    const second = await readTokens(await app.refresh(first.refresh));
    assert.notEqual(second.refresh, first.refresh);
    assert.equal(claimsOf(second.access)["sid"], claimsOf(first.access)["sid"]);
    assert.equal(typeof claimsOf(first.access)["auth_time"], "number");
    assert.equal(claimsOf(second.access)["auth_time"], claimsOf(first.access)["auth_time"]);
    assert.equal(claimsOf(second.access)["device"], claimsOf(first.access)["device"]);
    assert.equal(second.body["scope"], first.body["scope"]);
    const third = await readTokens(await app.refresh(second.refresh));
    assert.equal((await app.call("GET", "/api/identity/me", third.access)).status, 200);
  });

  test("used a second time kill their whole family and the session", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const first = await readTokens(await app.exchange(code));
    const second = await readTokens(await app.refresh(first.refresh));
    const reuse = await app.refresh(first.refresh);
    assert.equal((await readJson(reuse))["error"], "invalid_grant");
    assert.equal(lastEntry(identity)?.signal, "token-reuse");
    assert.equal((await app.refresh(second.refresh)).status, 400);
    assert.equal((await app.call("GET", "/api/identity/me", second.access)).status, 401);
    assert.equal((await app.silently()).get("error"), "login_required");
  });

  test("serve no other key than the one they were given to", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const tokens = await readTokens(await app.exchange(code));
    assert.equal((await app.refresh(tokens.refresh, createProofKey())).status, 400);
    assert.equal((await app.refresh(tokens.refresh)).status, 200);
  });

  test("revoked by their app end the session", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const tokens = await readTokens(await app.exchange(code));
    const revoked = await app.browser.postForm("/oauth/revoke", {
      client_id: "phylax-portal",
      token: tokens.refresh,
    });
    assert.equal(revoked.status, 200);
    const entry = lastEntry(identity);
    assert.deepEqual([entry?.action, entry?.actor], ["sign-out", claimsOf(tokens.access)["sub"]]);
    assert.equal((await app.refresh(tokens.refresh)).status, 400);
    assert.equal((await app.call("GET", "/api/identity/me", tokens.access)).status, 401);
  });

  test("are not given once the account is closed", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const tokens = await readTokens(await app.exchange(code));
    await identity.db.query("UPDATE identity.account SET status = 'closed'");
    assert.equal((await app.refresh(tokens.refresh)).status, 400);
    assert.equal((await app.silently()).get("error"), "login_required");
  });
});

suite("the sign-on cookie", () => {
  test("answers without asking, and the session stays the same on the same device", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const first = await readTokens(await app.exchange(code));
    const again = await app.silently();
    const second = await readTokens(await app.exchange(again.get("code") ?? ""));
    assert.equal(claimsOf(second.access)["sid"], claimsOf(first.access)["sid"]);
  });

  test("without it, a silent request is told that a person is needed", async (t) => {
    const identity = await testIdentity(t);
    assert.equal((await createApp(identity).silently()).get("error"), "login_required");
  });

  test("carries no sign-in whose session was idle too long or has reached its end", async (t) => {
    const identity = await testIdentity(t);
    const { app, code } = await signedIn(identity);
    const tokens = await readTokens(await app.exchange(code));
    const old = "last_seen = last_seen - interval '31 minutes'";
    await identity.db.query(`UPDATE identity.session SET ${old}`);
    assert.equal((await app.silently()).get("error"), "login_required");
    assert.equal((await app.refresh(tokens.refresh)).status, 400);
    await identity.db.query(
      "UPDATE identity.session SET last_seen = now(), ends_at = now() - interval '1 second'",
    );
    assert.equal((await app.silently()).get("error"), "login_required");
  });

  test("does not let a first session begin long after the sign-in", async (t) => {
    const identity = await testIdentity(t);
    const { app } = await signedIn(identity);
    // Nothing was exchanged yet, so the sign-in itself is all that is known.
    assert.notEqual((await app.silently()).get("code"), null);
    const later = await testIdentity(t, {
      clock: { ...systemClock, now: () => (systemClock.now() + 31 * 60_000) as never },
      restart: { database: identity.database, key: identity.key },
    });
    const response = await later.send(authorizePath({ prompt: "none" }), {
      headers: { cookie: app.browser.cookies("/oauth/authorize") },
    });
    assert.match(response.headers.get("location") ?? "", /error=login_required/);
  });

  test("is for https alone, hidden from scripts, and signed", async (t) => {
    const identity = await testIdentity(t);
    const { app } = await signedIn(identity);
    const lines = app.browser.setCookies.filter((line) => !/expires=Thu, 01 Jan 1970/i.test(line));
    const session = lines.filter((line) => line.startsWith("__Host-phylax-session"));
    assert.ok(session.some((line) => line.startsWith("__Host-phylax-session.sig=")));
    assert.ok(lines.length >= 6);
    for (const line of lines) {
      assert.match(line, /; secure/i);
      assert.match(line, /; httponly/i);
      assert.match(line, /; samesite=lax/i);
      assert.doesNotMatch(line, /domain=/i);
    }
  });

  test("with a changed value signs nobody in", async (t) => {
    const identity = await testIdentity(t);
    const { app } = await signedIn(identity);
    const cookie = app.browser.cookies("/oauth/authorize");
    const forged = cookie.replace(/(__Host-phylax-session=).{6}/, "$1AAAAAA");
    const response = await identity.send(authorizePath({ prompt: "none" }), {
      headers: { cookie: forged },
    });
    assert.match(response.headers.get("location") ?? "", /error=login_required/);
  });
});

suite("the metadata", () => {
  test("names the public origin, whatever host the request claims", async (t) => {
    const identity = await testIdentity(t);
    for (const path of [
      "/.well-known/openid-configuration",
      "/.well-known/oauth-authorization-server",
      "/.well-known/smart-configuration",
    ]) {
      const response = await identity.send(path, {
        headers: { "x-forwarded-host": "evil.example", "x-forwarded-proto": "http" },
      });
      const metadata = await readJson(response);
      assert.equal(metadata["issuer"], origin);
      assert.equal(metadata["token_endpoint"], `${origin}/oauth/token`);
      assert.equal(metadata["jwks_uri"], `${origin}/oauth/jwks`);
      assert.deepEqual(metadata["code_challenge_methods_supported"], ["S256"]);
      assert.doesNotMatch(JSON.stringify(metadata), /evil|http:/);
    }
  });

  test("offers only what is served", async (t) => {
    const identity = await testIdentity(t);
    const metadata = await readJson(await identity.send("/.well-known/openid-configuration"));
    assert.deepEqual(metadata["response_types_supported"], ["code"]);
    assert.deepEqual(metadata["token_endpoint_auth_methods_supported"], [
      "none",
      "private_key_jwt",
    ]);
    assert.deepEqual(metadata["id_token_signing_alg_values_supported"], ["ES256"]);
    const grants = metadata["grant_types_supported"];
    assert.ok(Array.isArray(grants));
    assert.deepEqual(
      new Set(grants),
      new Set(["authorization_code", "client_credentials", "refresh_token"]),
    );
    assert.equal(metadata["introspection_endpoint"], `${origin}/oauth/introspect`);
    assert.equal(metadata["registration_endpoint"], `${origin}/oauth/register`);
    assert.equal(metadata["userinfo_endpoint"], undefined);
  });

  test("the pushed authorization request leads to the same sign-in", async (t) => {
    const identity = await testIdentity(t);
    const app = createApp(identity);
    const parameters = new URL(authorizePath(), origin).searchParams;
    const pushed = await app.browser.postForm("/oauth/par", Object.fromEntries(parameters));
    assert.equal(pushed.status, 201);
    const uri = String((await readJson(pushed))["request_uri"]);
    const response = await createBrowser(identity).get(
      `/oauth/authorize?client_id=phylax-portal&request_uri=${encodeURIComponent(uri)}`,
    );
    assert.match(pathOf(response.headers.get("location")), /^\/sign-in\//);
  });
});

suite("the resource", () => {
  test("is the FHIR server alone", async (t) => {
    const identity = await testIdentity(t);
    const { browser } = createApp(identity);
    for (const change of [
      { resource: "https://other.example" },
      { aud: "https://other.example" },
    ]) {
      const location = (await browser.get(authorizePath(change))).headers.get("location") ?? "";
      assert.match(location, /error=invalid_target/);
    }
  });

  test("is meant when none is named, and scopes that it does not know are not granted", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const app = createApp(identity);
    const answer = await app.signIn(asAna(), {
      resource: "",
      scope: "openid patient/Observation.rs system/*.cruds admin patient/*.sr",
    });
    const tokens = await readTokens(await app.exchange(answer.get("code") ?? ""));
    assert.equal(claimsOf(tokens.access)["aud"], `${origin}/fhir`);
    assert.equal(tokens.body["scope"], "patient/Observation.rs");
  });
});

test("starting and serving writes no warning of the library to the console", async (t) => {
  const lines: unknown[] = [];
  for (const level of ["warn", "info", "error", "log"] as const)
    t.mock.method(console, level, (...given: unknown[]) => lines.push(...given));
  const identity = await testIdentity(t);
  const { app, code } = await signedIn(identity);
  await readTokens(await app.exchange(code));
  await app.browser.get(authorizePath({ redirect_uri: "https://evil.example/cb" }));
  assert.deepEqual(lines, []);
});

test("a second start has the same keys, and what was signed in before still holds", async (t) => {
  const identity = await testIdentity(t);
  const { app, code } = await signedIn(identity);
  const tokens = await readTokens(await app.exchange(code));
  const again = await testIdentity(t, {
    restart: { database: identity.database, key: identity.key },
  });
  const path = "/api/identity/me";
  const response = await again.send(path, {
    headers: {
      authorization: `DPoP ${tokens.access}`,
      dpop: app.key.proof("GET", path, { token: tokens.access }),
    },
  });
  assert.equal(response.status, 200);
});
