import assert from "node:assert/strict";
import { connect, constants, type ClientHttp2Session, type OutgoingHttpHeaders } from "node:http2";
import { suite, test, type TestContext } from "node:test";
import { jsonOf, openTls, testGateway, type TestGateway } from "./testing.ts";

async function openSession(t: TestContext, to: TestGateway): Promise<ClientHttp2Session> {
  const socket = await openTls(to, { ALPNProtocols: ["h2"] });
  const session = connect(`https://${to.host}`, { createConnection: () => socket });
  session.on("error", () => undefined);
  t.after(() => session.destroy());
  return session;
}

interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  readonly code: number;
}

function ask2(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer,
): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    const chunks: Buffer[] = [];
    let got: Record<string, unknown> = {};
    stream.on("response", (answered) => (got = answered));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("close", () =>
      resolve({
        status: Number(got[":status"] ?? 0),
        headers: got,
        body: Buffer.concat(chunks),
        code: stream.rstCode ?? 0,
      }),
    );
    if (body !== undefined) stream.end(body);
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

suite("HTTP/2", () => {
  test("a request passes as over HTTP/1.1: the same facts, headers and refusals", async (t) => {
    const to = await testGateway(t, {
      records: (request, response) => {
        response.setHeader("server", "secret");
        response.end(JSON.stringify({ ...request.headers, ":path": request.url }));
      },
    });
    const session = await openSession(t, to);
    const path = "/fhir/Patient?name=a%20b";
    const headers = { ":path": path, "phylax-zone": "phi", cookie: "a=1", dpop: "proof" };
    const answer = await ask2(session, headers);
    const seen = jsonOf(answer);
    assert.equal(seen[":path"], path);
    assert.equal(seen["phylax-zone"], "internet");
    assert.equal(seen["cookie"], undefined);
    assert.equal(seen["dpop"], "proof");
    assert.equal(seen["host"], to.host);
    assert.equal(answer.headers["server"], undefined);
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
    assert.equal(answer.headers["request-id"], seen["phylax-request-id"]);
    const status = async (more: OutgoingHttpHeaders) => (await ask2(session, more)).status;
    assert.equal(await status({ ":path": "/none" }), 404);
    assert.equal(await status({ ":path": "/fhir/%2e%2e/x" }), 400);
    assert.equal(await status({ ":path": "/fhir/Patient/1", ":method": "OPTIONS" }), 405);
    assert.equal(await status({ ":path": "/fhir/Patient/1", ":authority": "evil.test" }), 421);
    assert.equal(await status({ ":path": "/fhir/Patient/1", ":scheme": "http" }), 400);
    assert.equal(
      await status({ ":path": "/fhir/Patient/1", ":authority": to.host, host: "evil.test" }),
      400,
    );
    assert.equal(
      await status({ ":path": "/fhir/Patient/1", ":authority": to.host, host: to.host }),
      200,
    );
    assert.equal(await status({ ":path": "*", ":method": "OPTIONS" }), 400);
    assert.equal(await status({ ":path": "/fhir/Patient/1", expect: "more" }), 417);
  });

  test("cookies sent in pieces reach identity as one field, and its cookies come back apart", async (t) => {
    const to = await testGateway(t, {
      identity: (request, response) => {
        response.setHeader("set-cookie", ["a=1; Secure", "b=2; Secure"]);
        response.end(request.headers.cookie);
      },
    });
    const session = await openSession(t, to);
    const { body, headers } = await ask2(session, {
      ":path": "/oauth/jwks",
      cookie: ["a=1", "b=2"],
    });
    assert.equal(body.toString(), "a=1; b=2");
    assert.deepEqual(headers["set-cookie"], ["a=1; Secure", "b=2; Secure"]);
  });

  test("a body passes both ways", async (t) => {
    const to = await testGateway(t, {
      records: (request, response) => {
        response.setHeader("content-type", "application/octet-stream");
        request.pipe(response);
      },
    });
    const session = await openSession(t, to);
    const body = Buffer.alloc(2_000_000, "phylax");
    const answer = await ask2(session, { ":method": "POST", ":path": "/fhir" }, body);
    assert.equal(answer.status, 200);
    assert.ok(answer.body.equals(body));
  });

  test("a body above the route's length gets 413, and the session lives on", async (t) => {
    const to = await testGateway(t, {
      identity: (request, response) => request.resume().on("end", () => response.end()),
    });
    const session = await openSession(t, to);
    const body = Buffer.alloc(40_000);
    const post = { ":method": "POST", ":path": "/oauth/token" };
    const declared = await ask2(session, { ...post, "content-length": body.length }, body);
    assert.deepEqual([declared.status, declared.code], [413, 0]);
    const undeclared = await ask2(session, post, body);
    assert.deepEqual([undeclared.status, undeclared.code], [413, 0]);
    const none = await ask2(session, { ":method": "GET", ":path": "/oauth/jwks" }, body);
    assert.equal(none.status, 413);
    assert.equal((await ask2(session, { ":path": "/oauth/jwks" })).status, 200);
  });

  test("HEAD of a page has its length and no body", async (t) => {
    const to = await testGateway(t, { portal: { "index.html": "<!doctype html>" } });
    const session = await openSession(t, to);
    const answer = await ask2(session, { ":method": "HEAD", ":path": "/" });
    assert.deepEqual([answer.status, answer.headers["content-length"]], [200, "15"]);
    assert.equal(answer.body.length, 0);
  });

  test("a client that waits to be told is told to continue", async (t) => {
    const to = await testGateway(t, {
      records: (request, response) => request.resume().on("end", () => response.end("{}")),
    });
    const session = await openSession(t, to);
    const stream = session.request(
      { ":method": "POST", ":path": "/fhir", expect: "100-continue" },
      { endStream: false },
    );
    await new Promise((resolve) => stream.once("continue", resolve));
    const status = new Promise((resolve) =>
      stream.once("response", (headers) => resolve(headers[":status"])),
    );
    stream.end("{}");
    stream.resume();
    assert.equal(await status, 200);
  });

  test("a reset stream aborts the upstream's work and leaves the others alone", async (t) => {
    let aborted = 0;
    const to = await testGateway(t, {
      records: (request, response) => {
        if (request.url === "/fhir/Patient/slow") response.on("close", () => (aborted += 1));
        else response.end("{}");
      },
    });
    const session = await openSession(t, to);
    const slow = session.request({ ":path": "/fhir/Patient/slow" });
    await pause(50);
    slow.close(constants.NGHTTP2_CANCEL);
    assert.equal((await ask2(session, { ":path": "/fhir/Patient/1" })).status, 200);
    await pause(50);
    assert.equal(aborted, 1);
  });

  test("an upstream that dies within its answer resets the stream, not the session", async (t) => {
    const to = await testGateway(t, {
      records: (request, response) => {
        const dies = request.url === "/fhir/Patient/dies";
        if (dies) setTimeout(() => response.destroy(), 50);
        if (dies) response.write("half");
        else response.end("{}");
      },
    });
    const session = await openSession(t, to);
    await assert.rejects(ask2(session, { ":path": "/fhir/Patient/dies" }), /INTERNAL_ERROR/);
    assert.equal((await ask2(session, { ":path": "/fhir/Patient/1" })).status, 200);
  });

  test("rapid resets end the connection, and few of them reach the upstream", async (t) => {
    let reached = 0;
    const to = await testGateway(t, {
      limits: { resetsBurst: 20, resetsPerSecond: 1 },
      records: () => (reached += 1),
    });
    const session = await openSession(t, to);
    for (let sent = 0; sent < 500; sent += 1) {
      const stream = session.request({ ":path": "/fhir/metadata" });
      stream.on("error", () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
      if (sent % 10 === 0) await pause(2);
    }
    await to.gateway.close();
    const reasons = to.events.flatMap((event) =>
      event.kind === "refusals" ? event.counts.map(({ reason }) => reason) : [],
    );
    assert.deepEqual(reasons, ["too-many-resets"]);
    assert.ok(to.events.length < 40, `${to.events.length} were looked at`);
    assert.ok(reached <= 40, `${reached} reached the upstream`);
  });

  test("no more streams at once than the limit", async (t) => {
    let atOnce = 0;
    let most = 0;
    const to = await testGateway(t, {
      limits: { requestsAtOncePerConnection: 3 },
      records: (_request, response) => {
        most = Math.max(most, (atOnce += 1));
        setTimeout(() => {
          atOnce -= 1;
          response.end("{}");
        }, 20);
      },
    });
    const session = await openSession(t, to);
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    assert.equal(session.remoteSettings.maxConcurrentStreams, 3);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => ask2(session, { ":path": "/fhir/metadata" })),
    );
    assert.ok(answers.every(({ status }) => status === 200));
    assert.ok(most <= 3);
  });

  test("a header list beyond its bytes or number is not taken", async (t) => {
    const to = await testGateway(t, { records: (_request, response) => response.end("{}") });
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`x-${at}`, "1"]));
    for (const more of [{ x: "x".repeat(40_000) }, many]) {
      const session = await openSession(t, to);
      const taken = await ask2(session, { ":path": "/fhir/metadata", ...more }).then(
        ({ status }) => status,
        () => 0,
      );
      assert.ok(taken === 431 || taken === 0, `answered ${taken}`);
    }
  });

  test("a session at rest is asked to go", async (t) => {
    const to = await testGateway(t, {
      limits: { idleMs: 200 },
      records: (_request, response) => response.end("{}"),
    });
    const session = await openSession(t, to);
    assert.equal((await ask2(session, { ":path": "/fhir/metadata" })).status, 200);
    const from = performance.now();
    await new Promise((resolve) => session.once("close", resolve));
    assert.ok(performance.now() - from > 150);
  });

  test("after its last request a session takes no more", async (t) => {
    const to = await testGateway(t, {
      limits: { requestsPerConnection: 2 },
      records: (_request, response) => response.end("{}"),
    });
    const session = await openSession(t, to);
    const goaway = new Promise((resolve) => session.once("goaway", resolve));
    for (let asked = 0; asked < 2; asked += 1)
      assert.equal((await ask2(session, { ":path": "/fhir/metadata" })).status, 200);
    await goaway;
  });

  test("a body that trickles gets 408", async (t) => {
    const to = await testGateway(t, {
      limits: { bodyGraceMs: 200, bodyBytesPerSecond: 10_000 },
      records: (request) => request.resume(),
    });
    const session = await openSession(t, to);
    const stream = session.request({ ":method": "POST", ":path": "/fhir" }, { endStream: false });
    const timer = setInterval(() => stream.writable && stream.write(" "), 20);
    stream.on("error", () => undefined);
    const status = await new Promise((resolve) =>
      stream.once("response", (headers) => resolve(headers[":status"])),
    );
    clearInterval(timer);
    assert.equal(status, 408);
  });
});
