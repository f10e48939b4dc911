import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { ask, sendRaw, statuses, testGateway } from "./testing.ts";
import { parseTarget, queryNames } from "./target.ts";

const limit = 8 * 1024;

function codeOf(target: string): string {
  const parsed = parseTarget(target, limit);
  return parsed.ok ? "ok" : parsed.problem.code;
}

/** Pieces of targets on which programs are known to differ, and pieces of lawful ones. */
const delicate =
  '/ // /./ /../ \\ %2f %2e %00 % %zz %C0%AF ; ? ?? # & = + : @ | [ ] ^ { < " * \t \u00e9 \u0000';
const ordinary = "fhir Patient Observation 1 _search _history metadata .well-known ~ $";
const piece = fc.constantFrom(" ", ...delicate.split(" "), ...ordinary.split(" "));
const lawful = fc.constantFrom("a", "=", "&", "%20", "%C3%A9", "|", "+", "?", "/", "%2F", "$", "[");
const declared = fc.constantFrom("/fhir/Patient/1", "/fhir/Patient", "/fhir/metadata");
const target = fc.oneof(
  fc.tuple(declared, fc.array(lawful)).map(([path, pieces]) => `${path}?${pieces.join("")}`),
  fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join("")}`),
  fc.tuple(declared, fc.array(piece)).map(([path, pieces]) => `${path}?${pieces.join("")}`),
  fc.string({ unit: "binary-ascii", maxLength: 40 }),
  fc.webUrl({ withQueryParameters: true }).map((url) => url.replace(/^https?:\/\/[^/?]+/, "")),
);

suite("a request target", () => {
  const readings: readonly (readonly [string, string])[] = [
    ["/", "ok"],
    ["/fhir/Patient/1", "ok"],
    ["/fhir/Patient?name=a%20b&code=http://loinc.org|1-2", "ok"],
    ["/fhir/Patient?", "ok"],
    ["/.well-known/smart-configuration", "ok"],
    ["", "request-malformed"],
    ["fhir/Patient", "request-malformed"],
    ["https://phylax.test/fhir", "request-malformed"],
    ["//fhir/Patient", "request-malformed"],
    ["/fhir//Patient", "request-malformed"],
    ["/fhir/", "ok"],
    ["/fhir//", "request-malformed"],
    ["/fhir/./Patient", "request-malformed"],
    ["/fhir/../records", "request-malformed"],
    ["/fhir/%2e%2e/records", "request-malformed"],
    ["/fhir%2fPatient", "request-malformed"],
    ["/fhir/%50atient/1", "request-malformed"],
    ["/fhir\\Patient", "request-malformed"],
    ["/fhir/Patient/1\u0000", "request-malformed"],
    ["/fhir/Pati\u00e9nt", "request-malformed"],
    ["/fhir/Patient#1", "request-malformed"],
    ["/fhir/Patient;a=b", "not-found"],
    ["/fhir/Patient:1", "not-found"],
    ["/fhir/Patient?a=%", "request-malformed"],
    ["/fhir/Patient?a=%zz", "request-malformed"],
    ["/fhir/Patient?a=%00", "request-malformed"],
    ["/fhir/Patient?a=%c0%af", "request-malformed"],
    ["/fhir/Patient?a=b c", "request-malformed"],
    ["/fhir/Patient?a=<b>", "request-malformed"],
    ["/fhir/Patient?a=\u00e9", "request-malformed"],
    ["/fhir/Patient?a=b#c", "request-malformed"],
    [`/${"a".repeat(limit)}`, "url-too-long"],
  ];
  for (const [text, code] of readings) {
    test(`${JSON.stringify(text.slice(0, 60))} is ${code}`, () => assert.equal(codeOf(text), code));
  }

  test("keeps every byte of what it accepts", () => {
    fc.assert(
      fc.property(target, (text) => {
        const parsed = parseTarget(text, limit);
        if (!parsed.ok) return;
        const { path, query, segments } = parsed.value;
        assert.equal(text, path + text.slice(path.length, path.length + 1) + query);
        assert.equal(path, `/${segments.join("/")}`);
      }),
      { numRuns: 2_000 },
    );
  });

  test("means the same to the WHATWG URL parser, which browsers and upstreams use", () => {
    let accepted = 0;
    fc.assert(
      fc.property(target, (text) => {
        const parsed = parseTarget(text, limit);
        if (!parsed.ok) return;
        accepted += 1;
        const url = new URL(`https://phylax.test${text}`);
        assert.equal(url.pathname, parsed.value.path);
        const names = [...url.searchParams.keys()];
        assert.deepEqual(queryNames(parsed.value.query), names);
      }),
      { numRuns: 3_000 },
    );
    assert.ok(accepted > 300, `only ${accepted} targets were accepted`);
  });
});

test("every target is refused, or reaches the upstream byte for byte", async (t) => {
  const seen: string[] = [];
  const to = await testGateway(t, {
    limits: { refusalsPerMinute: 1_000_000 },
    records: (request, response) => {
      seen.push(request.url ?? "");
      response.end("{}");
    },
  });
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(target, async (text) => {
      seen.length = 0;
      // Spaces around the target belong to the request line, where their number means nothing.
      const bytes = Buffer.from(text, "latin1")
        .toString("latin1")
        .replace(/^ +| +$/g, "");
      const raw = await sendRaw(
        to,
        `GET ${bytes} HTTP/1.1\nHost: phylax.test\nConnection: close\n\n`,
      );
      const [status = 0] = statuses(raw);
      if (seen.length === 0) assert.ok(status >= 400, `${status} without the upstream`);
      else assert.deepEqual(seen, [bytes]);
      passed += seen.length;
    }),
    { numRuns: 300 },
  );
  assert.ok(passed > 20, `only ${passed} targets reached the upstream`);
});

test("only declared query names pass where a route lists them, however they are written", async (t) => {
  const to = await testGateway(t, { records: (_request, response) => response.end("{}") });
  const status = async (path: string) => (await ask(to, { path })).status;
  assert.equal(await status("/api/records/access-log?patient=1&before=2"), 200);
  assert.equal(await status("/api/records/access-log?p%61tient=1"), 200);
  assert.equal(await status("/api/records/access-log?patient=1&other=2"), 400);
  assert.equal(await status("/api/records/access-log?Patient=1"), 400);
  assert.equal(await status("/api/records/log?a"), 400);
  assert.equal(await status("/fhir/Patient?anything:missing=true"), 200);
});
