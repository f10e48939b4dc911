import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { findTarget } from "#identity/http/routes.ts";

suite("the identity process's paths", () => {
  test("lead where they should", () => {
    const target = (method: string, path: string) => {
      const found = findTarget(method, path);
      return found.ok ? found.target : found.code;
    };
    assert.deepEqual(target("POST", "/oauth/token"), { kind: "oidc" });
    assert.deepEqual(target("GET", "/oauth/authorize/abc_-1"), { kind: "oidc" });
    assert.deepEqual(target("POST", "/sign-in/abc/passkey/verify"), {
      kind: "sign-in",
      uid: "abc",
      action: "passkey",
    });
    assert.deepEqual(target("POST", "/internal/accounts"), { kind: "operator", action: "create" });
    assert.equal(target("GET", "/internal/accounts"), "method-not-allowed");
    assert.equal(target("HEAD", "/api/identity/me"), "method-not-allowed");
    for (const path of [
      "/oauth/token/",
      "//oauth/token",
      "/oauth/end-session/confirm",
      "/oauth/end-session/success",
      "/sign-in//state",
      "/sign-in/a.b/state",
      `/sign-in/${"a".repeat(65)}/state`,
      "/api/identity/me\n",
    ])
      assert.equal(target("GET", path), "not-found", path);
  });

  test("know nothing of any other text", () => {
    fc.assert(
      fc.property(fc.webPath(), (path) => {
        fc.pre(!/^\/(oauth|api|internal|sign-in|\.well-known)\b/.test(path));
        assert.deepEqual(findTarget("GET", path), { ok: false, code: "not-found" });
      }),
    );
  });
});
