import assert from "node:assert/strict";
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:net";
import { suite, test } from "node:test";
import { parseClientFacts } from "#core/client-facts.ts";
import {
  ask,
  openTls,
  statuses,
  testAuthority,
  testGateway,
  testHost,
  untilEnd,
} from "./testing.ts";

suite("the gateway", () => {
  test("records gets the request, our facts and nothing that only a browser or a stranger sent", async (t) => {
    const seen: unknown[] = [];
    const to = await testGateway(t, {
      records: (request, response) => {
        seen.push({ ...request.headers }, parseClientFacts(request.headers));
        response.end("{}");
      },
    });
    const answer = await ask(to, {
      path: "/fhir/Patient/1",
      headers: {
        authorization: "DPoP token",
        dpop: "proof",
        cookie: "session=1",
        "phylax-client-addr": "203.0.113.9",
        "phylax-zone": "phi",
        "x-forwarded-for": "203.0.113.9",
        "client-cert": ":AA==:",
      },
    });
    const requestId = answer.headers["request-id"];
    assert.deepEqual(seen, [
      {
        host: testHost,
        connection: "keep-alive",
        authorization: "DPoP token",
        dpop: "proof",
        "phylax-client-addr": "127.0.0.1",
        "phylax-zone": "internet",
        "phylax-request-id": requestId,
      },
      { address: "127.0.0.1", zone: "internet", requestId },
    ]);
  });

  test("identity gets cookies too, and may set them; records may not", async (t) => {
    const setsCookie: RequestListener = (request, response) => {
      response.setHeader("set-cookie", ["a=1; Secure", "b=2; Secure"]);
      response.end(JSON.stringify(request.headers));
    };
    const to = await testGateway(t, { identity: setsCookie, records: setsCookie });
    const headers = { cookie: "session=1" };
    const identity = await ask(to, { path: "/oauth/jwks", headers });
    assert.match(identity.body.toString(), /"cookie":"session=1"/);
    assert.deepEqual(identity.headers["set-cookie"], ["a=1; Secure", "b=2; Secure"]);
    const records = await ask(to, { path: "/fhir/metadata", headers });
    assert.doesNotMatch(records.body.toString(), /session=1/);
    assert.equal(records.headers["set-cookie"], undefined);
  });

  test("an address in a configured range stands in its zone", async (t) => {
    const to = await testGateway(t, {
      records: (request, response) => response.end(String(request.headers["phylax-zone"])),
      deps: { zones: [{ cidr: "127.0.0.0/8", zone: "clinic" }] },
    });
    assert.equal((await ask(to, { path: "/fhir/metadata" })).body.toString(), "clinic");
  });

  test("each request has an id of its own", async (t) => {
    const to = await testGateway(t, { records: (_request, response) => response.end() });
    const ids = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await ask(to, { path: "/fhir/metadata" })).headers["request-id"],
      ),
    );
    assert.equal(new Set(ids).size, 20);
  });

  test("of an answer's header only what is declared comes back", async (t) => {
    const to = await testGateway(t, {
      records: (_request, response) => {
        response.writeHead(200, {
          etag: 'W/"1"',
          "last-modified": "Mon, 23 Nov 2026 13:00:00 GMT",
          "content-type": "application/fhir+json",
          "cache-control": "public",
          "content-security-policy": "default-src *",
          server: "secret/1.0",
          "x-powered-by": "secret",
          "access-control-allow-origin": "https://upstream.example",
          "phylax-internal": "1",
        });
        response.end("{}");
      },
    });
    const { headers } = await ask(to, { path: "/fhir/Patient/1" });
    assert.equal(headers.etag, 'W/"1"');
    assert.equal(headers["last-modified"], "Mon, 23 Nov 2026 13:00:00 GMT");
    assert.equal(headers["content-type"], "application/fhir+json");
    assert.equal(headers["cache-control"], "no-store");
    assert.match(String(headers["content-security-policy"]), /^default-src 'none'/);
    assert.equal(headers["access-control-allow-origin"], "*");
    for (const name of ["server", "x-powered-by", "phylax-internal"])
      assert.equal(headers[name], undefined, name);
  });

  test("a busy port is told by its number", async (t) => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    t.after(() => holder.close());
    const bound = holder.address();
    const port = bound === null || typeof bound === "string" ? 0 : bound.port;
    await assert.rejects(
      testGateway(t, { deps: { listen: { host: "127.0.0.1", port } } }),
      new RegExp(`port-busy: port ${port} on 127.0.0.1: another program`),
    );
  });

  test("events tell of templates and numbers, and of nothing that a person sent", async (t) => {
    const to = await testGateway(t, { records: (_request, response) => response.end("12345") });
    await ask(to, {
      path: "/fhir/Patient/secret-id?_elements=secret",
      headers: { cookie: "secret" },
    });
    await ask(to, { path: "/secret", method: "PROPFIND" });
    await ask(to, { path: "/api/records/log?secret=1" });
    const events = to.events.filter((event) => event.kind === "answered");
    assert.deepEqual(
      events.map(({ method, route, status, refusal, bytesOut, whole }) => [
        method,
        route,
        status,
        refusal,
        whole,
        refusal === null ? bytesOut : "some",
      ]),
      [
        ["GET", "/fhir/:type/:id", 200, null, true, 5],
        ["other", null, 404, "not-found", true, "some"],
        ["GET", "/api/records/log", 400, "parameter-unknown", true, "some"],
      ],
    );
    assert.doesNotMatch(JSON.stringify(to.events), /secret|127\.0\.0\.1/);
  });

  test("refusals are summed up", async (t) => {
    const to = await testGateway(t);
    for (let asked = 0; asked < 3; asked += 1) await ask(to, { path: "/none" });
    await ask(to, { path: "/oauth/jwks", headers: { host: "evil.test" } });
    await to.gateway.close();
    const [summary] = to.events.filter((event) => event.kind === "refusals");
    assert.deepEqual(summary?.counts, [
      { route: null, reason: "not-found", count: 3 },
      { route: null, reason: "misdirected", count: 1 },
    ]);
  });
});

suite("closing the gateway", () => {
  test("lets the answer under way end, takes no new connection and ends idle ones", async (t) => {
    let answer = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const to = await testGateway(t, {
      limits: { closeGraceMs: 5_000 },
      records: (_request, response) => {
        answer();
        setTimeout(() => response.end("done"), 100);
      },
    });
    const idle = await openTls(to);
    const idleEnded = untilEnd(idle);
    const underWay = ask(to, { path: "/fhir/metadata" });
    await arrived;
    const closed = to.gateway.close();
    assert.equal((await underWay).body.toString(), "done");
    await closed;
    assert.equal(await idleEnded, "");
    await assert.rejects(ask(to, { path: "/fhir/metadata" }), { code: "ECONNREFUSED" });
  });

  test("waits no longer than the grace for an answer that does not come", async (t) => {
    const to = await testGateway(t, { limits: { closeGraceMs: 100 }, records: () => {} });
    const underWay = assert.rejects(ask(to, { path: "/fhir/metadata" }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await to.gateway.close();
    await underWay;
  });
});

suite("a renewed certificate", () => {
  test("is shown to new connections, while old ones live on", async (t) => {
    const to = await testGateway(t, { records: (_request, response) => response.end("{}") });
    const before = await openTls(to);
    const issue = await testAuthority();
    const next = await issue(testHost);
    to.gateway.renew(next);
    await assert.rejects(openTls(to), /certificate/);
    const after = await openTls({ ...to, ca: next.ca });
    assert.notEqual(
      after.getPeerCertificate().fingerprint256,
      before.getPeerCertificate().fingerprint256,
    );
    after.destroy();
    const answer = untilEnd(before);
    before.write(`GET /fhir/metadata HTTP/1.1\r\nHost: ${testHost}\r\nConnection: close\r\n\r\n`);
    assert.deepEqual(statuses(await answer), [200]);
  });

  test("that does not fit its key is refused, and the old one stays", async (t) => {
    const to = await testGateway(t);
    const issue = await testAuthority();
    const [one, other] = [await issue(testHost), await issue(testHost)];
    assert.throws(() => to.gateway.renew({ key: one.key, cert: other.cert }));
    (await openTls(to)).destroy();
  });
});
