import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { clientLimits } from "#identity/clients/limits.ts";
import { serviceKeys } from "#identity/clients/testing-service.ts";
import { authorizePath, readJson } from "#identity/testing-app.ts";
import { registerApp } from "#identity/testing-smart-app.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const app = {
  client_name: "Growth chart",
  redirect_uris: ["https://app.example/back"],
  token_endpoint_auth_method: "none",
  scope: "openid fhirUser launch patient/*.rs",
} as const;

const register = (identity: TestIdentity, body: unknown) =>
  identity.send("/oauth/register", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

const authorize = async (identity: TestIdentity, id: string): Promise<string> => {
  const path = authorizePath({
    client_id: id,
    redirect_uri: "https://app.example/back",
    scope: "openid patient/*.rs",
  });
  return (
    (await identity.send(path, { headers: { accept: "text/html" } })).headers.get("location") ?? ""
  );
};

suite("a client that registers itself", () => {
  test("is told its id, and can do nothing until it is approved", async (t) => {
    const identity = await testIdentity(t);
    const made = await register(identity, app);
    const body = await readJson(made);
    assert.equal(made.status, 201, JSON.stringify(body));
    const id = String(body["client_id"]);
    assert.deepEqual(
      [body["phylax_status"], body["client_name"], body["redirect_uris"], body["scope"]],
      ["pending", app.client_name, app.redirect_uris, app.scope],
    );
    assert.match(await authorize(identity, id), /error=invalid_client/);
    await identity.operate("/internal/apps/approve", { id });
    assert.match(await authorize(identity, id), /^\/sign-in\//);
    await identity.operate("/internal/apps/revoke", { id });
    assert.match(await authorize(identity, id), /error=invalid_client/);
    const entry = identity.log.entries.find(({ client }) => client === id);
    assert.deepEqual([entry?.action, entry?.reasons], ["app-change", ["registered-itself"]]);
  });

  test("may be a service, which gets no token while it waits", async (t) => {
    const identity = await testIdentity(t);
    const jwk = { ...serviceKeys().publicKey.export({ format: "jwk" }), kid: "one" };
    const made = await register(identity, {
      client_name: "Report",
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [jwk] },
      scope: "system/Observation.rs",
    });
    assert.equal(made.status, 201);
    const [known] = await identity.db.query("SELECT 1 AS one FROM identity.account");
    assert.equal(known, undefined);
  });

  test("is refused what nobody here could approve", async (t) => {
    const identity = await testIdentity(t);
    const refusals = [
      [{ ...app, redirect_uris: ["https://app.example/#x"] }, "invalid_redirect_uri"],
      [{ ...app, redirect_uris: [] }, "invalid_redirect_uri"],
      [{ ...app, scope: "system/*.rs" }, "invalid_client_metadata"],
      [{ ...app, scope: undefined }, "invalid_client_metadata"],
      [{ ...app, token_endpoint_auth_method: undefined }, "invalid_client_metadata"],
      [{ ...app, token_endpoint_auth_method: "client_secret_basic" }, "invalid_client_metadata"],
      [{ ...app, grant_types: ["implicit"] }, "invalid_client_metadata"],
      [{ ...app, grant_types: ["password"] }, "invalid_client_metadata"],
      [{ ...app, client_name: "a\u202eb" }, "invalid_client_metadata"],
      [{ ...app, software_statement: "x.y.z" }, "unapproved_software_statement"],
    ] as const;
    for (const [body, error] of refusals) {
      const refused = await register(identity, body);
      assert.equal(refused.status, 400, JSON.stringify(body));
      assert.equal((await readJson(refused))["error"], error, JSON.stringify(body));
    }
    const { items } = await readJson(await identity.operate("/internal/apps/list", {}));
    assert.deepEqual(items, []);
  });

  test("is turned away while too many wait", async (t) => {
    const identity = await testIdentity(t);
    await identity.db.query(
      `INSERT INTO identity.client (id, kind, name, redirect_uris, own_network, scopes, binding,
          status, registered_by, registered_at)
        SELECT gen_random_uuid(), 'public', 'x', '{}', false, '{openid}', 'dpop', 'pending',
          'itself', now() FROM generate_series(1, $1)`,
      [clientLimits.pendingClients],
    );
    assert.equal((await register(identity, app)).status, 503);
    await registerApp(identity);
  });
});
