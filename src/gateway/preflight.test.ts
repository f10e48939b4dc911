import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ask, testGateway } from "./testing.ts";
import { routes } from "./routes.ts";

const from = "https://app.example";
const asks = (method: string) => ({ origin: from, "access-control-request-method": method });

suite("a page of another origin", () => {
  test("gets leave to call the FHIR API and the token endpoint, with its own token and no cookie", async (t) => {
    const to = await testGateway(t, { records: (_request, response) => response.end("{}") });
    for (const [path, method] of [
      ["/fhir/Observation", "GET"],
      ["/fhir/Patient/1", "PUT"],
      ["/fhir/.well-known/smart-configuration", "GET"],
      ["/oauth/token", "POST"],
    ] as const) {
      const { status, headers } = await ask(to, { method: "OPTIONS", path, headers: asks(method) });
      assert.equal(status, 204, path);
      assert.equal(headers["access-control-allow-origin"], "*");
      assert.equal(headers["access-control-allow-credentials"], undefined);
      assert.ok(String(headers["access-control-allow-methods"]).split(", ").includes(method));
      assert.match(String(headers["access-control-allow-headers"]), /\bauthorization\b.*\bdpop\b/);
    }
    const { headers } = await ask(to, { path: "/fhir/Patient/1", headers: { origin: from } });
    assert.equal(headers["access-control-allow-origin"], "*");
    assert.match(String(headers["access-control-expose-headers"]), /\betag\b/);
  });

  test("gets none for what rests on cookies or belongs to the portal, nor for what is not declared", async (t) => {
    const to = await testGateway(t, {
      records: (_request, response) => response.end("{}"),
      identity: (_request, response) => response.end("{}"),
    });
    for (const [path, method] of [
      ["/api/identity/me", "GET"],
      ["/api/records/access-log", "GET"],
      ["/oauth/authorize", "GET"],
      ["/sign-in/abc/password", "POST"],
      ["/fhir/Patient/1", "TRACE"],
      ["/nothing", "GET"],
    ] as const) {
      const { status, headers } = await ask(to, { method: "OPTIONS", path, headers: asks(method) });
      assert.ok(status >= 400, `${path} ${status}`);
      assert.equal(headers["access-control-allow-origin"], undefined, path);
    }
    const { headers } = await ask(to, { path: "/api/identity/me", headers: { origin: from } });
    assert.equal(headers["access-control-allow-origin"], undefined);
    const bare = await ask(to, { method: "OPTIONS", path: "/fhir/Patient/1" });
    assert.equal(bare.status, 405);
  });

  test("may call nothing by which a browser is signed in", () => {
    const open = routes.filter(({ forApps }) => forApps === true);
    assert.ok(open.length > 20);
    for (const { path } of open)
      assert.doesNotMatch(path, /^\/(?:api|sign-in|consent)|authorize|end-session/);
  });
});
