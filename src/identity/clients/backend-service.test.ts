import assert from "node:assert/strict";
import { createHmac, createPublicKey, randomUUID } from "node:crypto";
import { suite, test } from "node:test";
import {
  allowInsecureRequests,
  clientCredentialsGrant,
  Configuration,
  customFetch,
  getDPoPHandle,
  PrivateKeyJwt,
  randomDPoPKeyPair,
} from "openid-client";
import { parseJwks, verifyAccessToken } from "#core/access-token.ts";
import { systemClock } from "#core/clock.ts";
import { registerService, serviceKeys } from "#identity/clients/testing-service.ts";
import { administrator } from "#identity/people/testing.ts";
import { claimsOf, createApp, createProofKey, readJson } from "#identity/testing-app.ts";
import { enrolBegin } from "#identity/testing-passkeys.ts";
import { ana, asAna, makeAccount } from "#identity/testing-people.ts";
import { codeOfProblem } from "#identity/testing-signed-in.ts";
import { origin, testIdentity } from "#identity/testing.ts";

const text = (value: unknown): string => (typeof value === "string" ? value : "");

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

suite("a backend service", () => {
  test("gets by its key a token that names it and a session that the records process knows", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    const answer = await service.ask({ scope: "system/Observation.rs system/Patient.rs" });
    const body = await readJson(answer);
    assert.equal(answer.status, 200, JSON.stringify(body));
    assert.equal(body["token_type"], "DPoP");
    assert.equal(body["scope"], "system/Observation.rs");
    assert.equal(body["refresh_token"], undefined);
    const keys = await parseJwks(await readJson(await identity.send("/oauth/jwks")));
    const verified = await verifyAccessToken({
      token: text(body["access_token"]),
      issuer: origin,
      audience: `${origin}/fhir`,
      keyOf: async (kid) => keys.get(kid) ?? null,
      now: systemClock.now(),
    });
    assert.ok(verified.ok);
    assert.equal(verified.value.account, service.id);
    assert.equal(verified.value.client, service.id);
    const [live] = await identity.database
      .as("phylax_records")
      .query<Record<string, unknown>>("SELECT * FROM identity.live");
    assert.deepEqual(
      [live?.["session_id"], live?.["roles"], live?.["patients"], live?.["ended"]],
      [verified.value.session, ["service"], [], false],
    );
    const entry = identity.log.entries.at(-1);
    assert.deepEqual(
      [entry?.action, entry?.actor, entry?.client, entry?.session],
      ["token", service.id, service.id, verified.value.session],
    );
  });

  test("keeps its session from token to token", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    const sids = new Set<unknown>();
    for (let asked = 0; asked < 3; asked += 1) {
      const body = await readJson(await service.ask());
      sids.add(claimsOf(text(body["access_token"]))["sid"]);
    }
    assert.equal(sids.size, 1);
  });

  test("is served when a client library that is not ours asks", async (t) => {
    const identity = await testIdentity(t);
    const keys = serviceKeys();
    const service = await registerService(identity, {}, keys);
    const discovered = await readJson(await identity.send("/.well-known/openid-configuration"));
    const privateKey = await crypto.subtle.importKey(
      "jwk",
      keys.privateKey.export({ format: "jwk" }),
      { name: "ECDSA", namedCurve: "P-384" },
      false,
      ["sign"],
    );
    const config = new Configuration(
      { ...discovered, issuer: origin },
      service.id,
      {},
      PrivateKeyJwt({ key: privateKey, kid: "one" }),
    );
    allowInsecureRequests(config);
    config[customFetch] = (url, { method, headers, body }) =>
      identity.send(new URL(url).pathname, { method, headers, body: body ?? null });
    const dpop = getDPoPHandle(config, await randomDPoPKeyPair());
    const tokens = await clientCredentialsGrant(
      config,
      { scope: "system/Observation.r" },
      { DPoP: dpop },
    );
    assert.equal(tokens.token_type, "dpop");
    assert.equal(tokens.scope, "system/Observation.r");
  });

  test("is refused when what it asks for is not its own", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    for (const scope of ["system/Patient.rs", "system/*.rs", "user/*.rs", "openid", ""]) {
      const refused = await service.ask({ scope });
      assert.equal(refused.status, 400, scope);
      assert.equal((await readJson(refused))["error"], "invalid_scope", scope);
    }
  });

  test("is refused without a proof of the key that its token is to be bound to", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    const refused = await service.ask({}, "");
    assert.equal(refused.status, 400);
    const proof = service.key.proof("POST", "/oauth/token");
    assert.equal((await service.ask({}, proof)).status, 200);
    assert.equal((await readJson(await service.ask({}, proof)))["error"], "invalid_grant");
  });

  test("gets a token that is bound to no key only where the operator allows it, and that says so", async (t) => {
    const identity = await testIdentity(t);
    const bearer = await registerService(identity, { binding: "bearer" });
    const body = await readJson(await bearer.ask({}, ""));
    assert.equal(body["token_type"], "Bearer");
    const claims = claimsOf(text(body["access_token"]));
    assert.deepEqual([claims["unbound"], claims["cnf"]], [true, undefined]);
    const records = identity.database.as("phylax_records");
    const levels = () =>
      records.query<{ device_level: number }>(
        "SELECT device_level FROM identity.live ORDER BY device_level",
      );
    assert.deepEqual(await levels(), [{ device_level: 0 }]);
    assert.equal((await readJson(await bearer.ask()))["token_type"], "DPoP");
    assert.deepEqual(await levels(), [{ device_level: 0 }, { device_level: 1 }]);
  });

  test("is refused an assertion that was shown before", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    const assertion = await service.assertion();
    assert.equal((await service.ask({ client_assertion: assertion })).status, 200);
    const again = await service.ask({ client_assertion: assertion });
    assert.equal(again.status, 401);
    assert.equal((await readJson(again))["error"], "invalid_client");
  });

  test("is refused an assertion that another made, or for another, or for too long", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    const other = await registerService(identity);
    const seconds = Math.floor(Date.now() / 1_000);
    const changes = [
      { claims: { iss: other.id } },
      { claims: { sub: other.id } },
      { claims: { aud: "https://elsewhere.example/token" } },
      { claims: { aud: `${origin}/fhir` } },
      { claims: { exp: seconds - 60 } },
      { claims: { exp: seconds + 3_600 } },
      { claims: { exp: undefined } },
      { claims: { jti: undefined } },
      { claims: { jti: "x".repeat(200) } },
      { claims: { nbf: seconds + 600 } },
      { header: { kid: undefined } },
      { header: { kid: "two" } },
    ];
    for (const change of changes) {
      const refused = await service.ask({ client_assertion: await service.assertion(change) });
      assert.equal(refused.status, 401, JSON.stringify(change));
      assert.equal((await readJson(refused))["error"], "invalid_client");
    }
    const borrowed = await other.assertion({ claims: { iss: service.id, sub: service.id } });
    assert.equal((await service.ask({ client_assertion: borrowed })).status, 401);
  });

  test("is refused an assertion without a signature, or with one that its public key could make", async (t) => {
    const identity = await testIdentity(t);
    const keys = serviceKeys();
    const service = await registerService(identity, {}, keys);
    const [, claims = ""] = (await service.assertion()).split(".");
    const none = `${base64url({ alg: "none", kid: "one" })}.${claims}.`;
    const pem = createPublicKey(keys.privateKey).export({ type: "spki", format: "pem" });
    const hmacOf = (alg: "HS256" | "HS384", key: string | Buffer): string => {
      const signed = `${base64url({ alg, kid: "one" })}.${claims}`;
      const made = createHmac(alg === "HS256" ? "sha256" : "sha384", key).update(signed);
      return `${signed}.${made.digest("base64url")}`;
    };
    const { publicKey: stranger, privateKey } = serviceKeys();
    const carried = await registerService(identity, {}, { publicKey: stranger, privateKey });
    const withKey = await carried.assertion({
      claims: { iss: service.id, sub: service.id },
      header: { jwk: stranger.export({ format: "jwk" }), jku: "https://evil.example/keys" },
    });
    for (const assertion of [none, hmacOf("HS256", pem), hmacOf("HS384", pem), withKey]) {
      const refused = await service.ask({ client_assertion: assertion });
      assert.equal((await readJson(refused))["error"], "invalid_client");
    }
  });

  test("gets nothing more once it is revoked, and its session is over", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    assert.equal((await service.ask()).status, 200);
    await identity.operate("/internal/apps/revoke", { id: service.id });
    const [live] = await identity.database
      .as("phylax_records")
      .query<{ ended: boolean }>("SELECT ended FROM identity.live");
    assert.equal(live?.ended, true);
    assert.equal((await service.ask()).status, 401);
  });

  test("cannot sign a person in, nor a person's app ask as a service", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    for (const grant_type of ["authorization_code", "refresh_token", "password"]) {
      const refused = await service.ask({ grant_type, code: "x", refresh_token: "x" });
      assert.equal(refused.status, 400, grant_type);
    }
    const portal = await identity.send("/oauth/token", {
      method: "POST",
      headers: { dpop: createProofKey().proof("POST", "/oauth/token") },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: "phylax-portal",
        scope: "system/*.rs",
      }),
    });
    assert.equal(portal.status, 400);
  });

  test("finds no person's way open: account, administration, sign-in, recovery", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    const token = text((await readJson(await service.ask()))["access_token"]);
    for (const [method, path] of [
      ["GET", "/api/identity/me"],
      ["GET", "/api/identity/account/apps"],
      ["POST", "/api/identity/account/recovery-codes"],
      ["GET", "/api/identity/admin/apps"],
      ["POST", "/api/identity/admin/people/search"],
    ] as const) {
      const dpop = service.key.proof(method, path, { token });
      const headers = { authorization: `DPoP ${token}`, dpop };
      const refused = await identity.send(path, { method, headers });
      assert.equal(await codeOfProblem(refused), "forbidden", path);
    }
    const admin = await administrator(identity);
    const proofing = { level: "IAL2", evidence: "none" };
    const path = `admin/people/${service.id}`;
    assert.equal((await admin.call("POST", `${path}/recovery`, proofing)).status, 404);
    assert.equal((await admin.call("POST", `${path}/invitation`, {})).status, 404);
    const link = await identity.operate("/internal/enrolment-links", { account: service.id });
    assert.equal(link.status, 404);
  });

  test("is no account that anybody could sign in to, had it what people sign in with", async (t) => {
    const identity = await testIdentity(t);
    const { account, token } = await makeAccount(identity, ana);
    await identity.db.query("UPDATE identity.account SET kind = 'service' WHERE id = $1", [
      account,
    ]);
    assert.equal((await enrolBegin(identity, token)).status, 410);
    const app = createApp(identity);
    assert.equal((await asAna()(app.browser, await app.open())).status, 401);
  });

  test("has its keys fetched from its own address, by https and never within the network", async (t) => {
    const asked: string[] = [];
    const { privateKey, publicKey } = serviceKeys();
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "one" };
    const identity = await testIdentity(t, {
      fetch: async (input, init) => {
        const url = input instanceof Request ? input.url : input;
        asked.push(`${url.toString()} ${init?.redirect ?? ""}`);
        return Response.json({ keys: [jwk] });
      },
    });
    const keys = { privateKey, publicKey };
    const named = await registerService(identity, { jwksUri: "https://keys.example/jwks" }, keys);
    assert.equal((await named.ask()).status, 200);
    assert.deepEqual(asked, ["https://keys.example/jwks error"]);
    for (const jwksUri of [
      "https://127.0.0.1/jwks",
      "https://[::1]/jwks",
      "https://0x7f000001/jwks",
      "https://169.254.169.254/latest",
    ]) {
      const inside = await registerService(identity, { jwksUri }, keys);
      assert.equal((await inside.ask()).status >= 400, true, jwksUri);
    }
    assert.equal(asked.length, 1);
    const own = { jwksUri: `https://10.0.0.7/${randomUUID()}`, ownNetwork: true };
    const allowed = await registerService(identity, own, keys);
    assert.equal((await allowed.ask()).status, 200);
  });
});
