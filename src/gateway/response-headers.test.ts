import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { answerHeaders, headerPolicy } from "./response-headers.ts";

const policy = headerPolicy({ trustedTypes: true });
const named = (headers: readonly string[]): ReadonlyMap<string, string> =>
  new Map(headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1] ?? ""]] : [])));
const directives = (headers: readonly string[]): readonly string[] =>
  (named(headers).get("content-security-policy") ?? "").split("; ");

suite("response headers", () => {
  test("a page may load from its own origin only, and run nothing inline", () => {
    assert.deepEqual(directives(policy.page), [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "connect-src 'self'",
      "font-src 'self'",
      "manifest-src 'self'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
    ]);
  });

  test("data may load nothing at all", () => {
    assert.deepEqual(directives(policy.data), [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "sandbox",
    ]);
  });

  test("trusted types are asked for only where wanted", () => {
    const without = headerPolicy({ trustedTypes: false }).page;
    assert.ok(!directives(without).some((directive) => directive.includes("trusted-types")));
  });

  test("a page may use passkeys, and neither camera nor place", () => {
    const permissions = named(policy.page).get("permissions-policy")?.split(", ") ?? [];
    for (const wanted of [
      "publickey-credentials-get=(self)",
      "publickey-credentials-create=(self)",
    ])
      assert.ok(permissions.includes(wanted), wanted);
    for (const unwanted of ["camera=()", "geolocation=()", "microphone=()"])
      assert.ok(permissions.includes(unwanted), unwanted);
  });

  test("a page is cut off from other origins' windows and documents", () => {
    const headers = named(policy.page);
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin");
    assert.equal(headers.get("cross-origin-embedder-policy"), "require-corp");
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
  });

  test("whatever an upstream sends, ours stand once and no undeclared field passes", () => {
    const declared =
      /^(?:accept-ranges|allow|content-(?:disposition|encoding|language|length|location|range|type)|dpop-nonce|etag|last-modified|location|preference-applied|retry-after|www-authenticate)$/;
    const ours = new Set(named([...policy.data, "cache-control", ""]).keys());
    const name = fc.oneof(
      fc.constantFrom(...ours, "etag", "location", "set-cookie", "server", "x-powered-by", "via"),
      fc.stringMatching(/^[a-z-]{1,16}$/),
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), (sent) => {
        const headers = answerHeaders(policy, { to: "records" }, sent);
        const names = headers.filter((_, at) => at % 2 === 0);
        for (const one of ours) assert.equal(names.filter((other) => other === one).length, 1);
        for (const one of names) assert.ok(ours.has(one) || declared.test(one), one);
      }),
    );
  });

  test("only identity sets cookies, each in a field of its own", () => {
    const sent = { "set-cookie": ["a=1", "b=2"] };
    const fields = (to: "identity" | "records"): number =>
      answerHeaders(policy, { to }, sent).filter((name) => name === "set-cookie").length;
    assert.deepEqual([fields("identity"), fields("records")], [2, 0]);
  });
});
