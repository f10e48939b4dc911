import assert from "node:assert/strict";
import { test } from "node:test";
import { takeLinkToken } from "./link-token.ts";
import { takePending } from "./pending.ts";
import { returnPath } from "./return-path.ts";

test("a sign-in comes back to our own signed-in pages alone", () => {
  for (const path of ["/home", "/record", "/record/results", "/access", "/patients/a-1/visits"]) {
    assert.equal(returnPath(path), path);
  }
  for (const path of [
    "//evil.example",
    "https://evil.example/home",
    "/home/../x",
    "/oauth/authorize",
    "/record/results?x=1",
    "/callback",
    "javascript:alert(1)",
    "",
    null,
  ]) {
    assert.equal(returnPath(path), "/home");
  }
});

function kept(value: string | null): Storage {
  let here = value;
  return {
    length: 0,
    clear: () => undefined,
    key: () => null,
    getItem: () => here,
    setItem: () => undefined,
    removeItem: () => {
      here = null;
    },
  };
}

test("what was kept of a sign-in is checked, as a page before may have written it", () => {
  const pending = { state: "s", verifier: "v", returnTo: "//evil.example" };
  assert.deepEqual(takePending(kept(JSON.stringify(pending))), { ...pending, returnTo: "/home" });
  for (const broken of [null, "", "{", "null", '{"state":"s"}', '{"state":1,"verifier":"v"}']) {
    assert.equal(takePending(kept(broken)), null);
  }
});

test("what was kept of a sign-in is gone once taken", () => {
  const storage = kept('{"state":"s","verifier":"v","returnTo":"/home"}');
  assert.notEqual(takePending(storage), null);
  assert.equal(takePending(storage), null);
});

function visit(url: string, page: "/enrol" | "/recovery" = "/enrol") {
  const { pathname, hash } = new URL(url, "https://clinic.example");
  const replaced: unknown[] = [];
  const history = {
    state: null,
    replaceState: (...said: unknown[]) => void replaced.push(said[2]),
  };
  return { token: takeLinkToken(page, { pathname, hash }, history), replaced };
}

test("the token of a sign-up link is taken out of the address", () => {
  const token = "a".repeat(43);
  assert.deepEqual(visit(`/enrol#token=${token}`), { token, replaced: ["/enrol"] });
});

test("a link leads to its own page and to no other", () => {
  const token = "a".repeat(43);
  const link = `/recovery#token=${token}`;
  assert.deepEqual(visit(link, "/recovery"), { token, replaced: ["/recovery"] });
  assert.deepEqual(visit(link), { token: null, replaced: [] });
});

test("a fragment that is no token is taken away, too, and given to nobody", () => {
  for (const hash of [
    "#token=short",
    "#token=<script>alert(1)</script>",
    "#x",
    `#token=${"a".repeat(600)}`,
  ]) {
    assert.deepEqual(visit(`/enrol${hash}`), { token: null, replaced: ["/enrol"] });
  }
});

test("other pages and a page without fragment stay as they are", () => {
  assert.deepEqual(visit("/enrol"), { token: null, replaced: [] });
  assert.deepEqual(visit(`/home#token=${"a".repeat(43)}`), { token: null, replaced: [] });
});
