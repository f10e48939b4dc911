import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readJson } from "#identity/testing-app.ts";
import { origin, testIdentity } from "#identity/testing.ts";

const smart = "/.well-known/smart-configuration";

suite("what the SMART configuration says", () => {
  test("is what the OpenID provider says of itself, wherever both speak", async (t) => {
    const identity = await testIdentity(t);
    const told = await readJson(await identity.send(smart));
    const known = await readJson(await identity.send("/.well-known/openid-configuration"));
    const listed = (value: unknown): unknown =>
      Array.isArray(value) ? new Set<unknown>(value) : value;
    const shared = Object.keys(told).filter((name) => name in known && name !== "scopes_supported");
    assert.ok(shared.length >= 12, shared.join());
    for (const name of shared) assert.deepEqual(listed(told[name]), listed(known[name]), name);
  });

  test("leads to addresses that are served", async (t) => {
    const identity = await testIdentity(t);
    const told = await readJson(await identity.send(smart));
    const addresses = Object.entries(told).filter(([name]) => /_(endpoint|uri)$/.test(name));
    assert.ok(addresses.length >= 7);
    for (const [name, address] of addresses) {
      const path = String(address).slice(origin.length);
      const method = name === "jwks_uri" || name === "authorization_endpoint" ? "GET" : "POST";
      const { status } = await identity.send(path, { method });
      assert.ok(status !== 404 && status !== 405 && status < 500, `${name} answers ${status}`);
    }
  });
});
