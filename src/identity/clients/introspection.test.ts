import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { registerService, type TestService } from "#identity/clients/testing-service.ts";
import { readJson } from "#identity/testing-app.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const ask = async (identity: TestIdentity, by: TestService, token: string) =>
  identity.send("/oauth/introspect", {
    method: "POST",
    body: new URLSearchParams({
      token,
      client_assertion_type: assertionType,
      client_assertion: await by.assertion(),
    }),
  });

async function tokenOf(service: TestService): Promise<string> {
  const { access_token: token } = await readJson(await service.ask());
  assert.ok(typeof token === "string");
  return token;
}

suite("introspection", () => {
  test("tells a client what its own access token says while its session lives", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    const token = await tokenOf(service);
    const answer = await ask(identity, service, token);
    assert.equal(answer.status, 200);
    const body = await readJson(answer);
    assert.deepEqual(
      [body["active"], body["client_id"], body["sub"], body["scope"], body["token_type"]],
      [true, service.id, service.id, "system/Observation.rs", "DPoP"],
    );
    assert.deepEqual(body["cnf"], { jkt: service.key.jkt });
    const entry = identity.log.entries.at(-1);
    assert.deepEqual([entry?.client, entry?.reasons], [service.id, ["introspection"]]);
    await identity.db.query("UPDATE identity.session SET ended_at = now()");
    assert.deepEqual(await readJson(await ask(identity, service, token)), { active: false });
  });

  test("tells nothing of another's token, of one that was altered, or of none", async (t) => {
    const identity = await testIdentity(t);
    const [service, other] = [await registerService(identity), await registerService(identity)];
    const token = await tokenOf(service);
    const [header = "", claims = "", signature = ""] = token.split(".");
    const none = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${claims}.`;
    assert.deepEqual(await readJson(await ask(identity, other, token)), { active: false });
    for (const odd of [
      `${header}.${claims}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
      none,
      await service.assertion(),
      "opaque",
    ])
      assert.deepEqual(await readJson(await ask(identity, service, odd)), { active: false }, odd);
  });

  test("is refused to whoever does not prove which client it is", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    const token = await tokenOf(service);
    const bare = await identity.send("/oauth/introspect", {
      method: "POST",
      body: new URLSearchParams({ token, client_id: service.id }),
    });
    assert.equal(bare.status, 401);
    const portal = await identity.send("/oauth/introspect", {
      method: "POST",
      body: new URLSearchParams({ token, client_id: "phylax-portal" }),
    });
    assert.notEqual(portal.status, 200);
    const stale = await service.assertion();
    const form = { token, client_assertion_type: assertionType, client_assertion: stale };
    const send = () =>
      identity.send("/oauth/introspect", { method: "POST", body: new URLSearchParams(form) });
    assert.equal((await send()).status, 200);
    assert.equal((await send()).status, 401);
  });

  test("answers nothing while the log cannot be written", async (t) => {
    const identity = await testIdentity(t);
    const service = await registerService(identity);
    const token = await tokenOf(service);
    identity.log.isDown = true;
    const answer = await ask(identity, service, token);
    assert.equal(answer.status, 503);
    assert.deepEqual(await readJson(answer), { error: "temporarily_unavailable" });
  });
});
