import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { invariant } from "#core/result.ts";
import { readHeaders, type RequestHeaders } from "./request-headers.ts";

function read(...raw: readonly string[]): RequestHeaders {
  const headers = readHeaders(raw, 100);
  invariant(headers.ok, "the header was refused");
  return headers.value;
}

function refusal(...raw: readonly string[]): string {
  const headers = readHeaders(raw, 100);
  return headers.ok ? "none" : `${headers.problem.code} at ${headers.problem.at ?? ""}`;
}

suite("request headers", () => {
  const stripped = [
    "phylax-client-addr",
    "Phylax-Zone",
    "PHYLAX-REQUEST-ID",
    "phylax-anything",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Real-IP",
    "Client-Cert",
    "Client-Cert-Chain",
    "Connection",
    "Keep-Alive",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Via",
    "X-HTTP-Method-Override",
    "X-Original-URL",
  ];
  for (const name of stripped)
    test(`${name} from outside goes to nobody`, () => {
      const { passed, browser } = read("host", "phylax.test", name, "1");
      assert.deepEqual([...passed, ...browser], []);
    });

  test("names in any case are passed in lower case, values as they came", () => {
    const { passed } = read("AuthoriZation", "DPoP aBc", "If-Match", 'W/"1"');
    assert.deepEqual(passed, ["authorization", "DPoP aBc", "if-match", 'W/"1"']);
  });

  test("cookies and what browsers add are kept apart, and cookies joined", () => {
    const { passed, browser } = read("Cookie", "a=1", "Origin", "https://x", "cookie", "b=2");
    assert.deepEqual(passed, []);
    assert.deepEqual(browser, ["origin", "https://x", "cookie", "a=1; b=2"]);
  });

  const refused: readonly (readonly [string, readonly string[], string])[] = [
    ["both lengths", ["content-length", "1", "transfer-encoding", "chunked"], "transfer-encoding"],
    ["the length twice", ["content-length", "1", "Content-Length", "1"], "content-length"],
    ["an empty length", ["content-length", ""], "content-length"],
    ["a length with a space", ["content-length", "1 2"], "content-length"],
    ["a coding other than chunked", ["transfer-encoding", "gzip"], "transfer-encoding"],
    ["an upgrade", ["upgrade", "h2c"], "upgrade"],
    ["host twice", ["host", "a", "host", "a"], "host"],
    ["DPoP twice", ["dpop", "a", "DPoP", "b"], "dpop"],
    ["authorization twice", ["authorization", "a", "authorization", "b"], "authorization"],
  ];
  for (const [name, raw, at] of refused)
    test(`refused: ${name}`, () => assert.equal(refusal(...raw), `request-malformed at ${at}`));

  test("a compressed body is not supported", () =>
    assert.equal(refusal("content-encoding", "br"), "media-type-unsupported at content-encoding"));

  test("more fields than the limit are refused", () => {
    const fields = Array.from({ length: 101 }, (_, at) => [`x-${at}`, ""]).flat();
    assert.equal(readHeaders(fields.slice(2), 100).ok, true);
    assert.equal(refusal(...fields), "headers-too-large at ");
  });

  test("nothing passes but what is declared, whatever is sent", () => {
    const name = fc.oneof(
      fc.stringMatching(/^[A-Za-z-]{1,20}$/),
      fc.stringMatching(/^(?:phylax|PHYLAX|x-forwarded|client-cert)-?[a-z]{0,8}$/),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string({ maxLength: 10 }))), (fields) => {
        const headers = readHeaders(fields.flat(), 1_000);
        if (!headers.ok) return;
        const names = [...headers.value.passed, ...headers.value.browser].filter(
          (_, at) => at % 2 === 0,
        );
        for (const passed of names)
          assert.doesNotMatch(passed, /^phylax|forwarded|^client-cert|^x-|[A-Z]/);
      }),
    );
  });
});
