import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request as httpsRequest } from "node:https";
import { createServer as createTcp, type Socket } from "node:net";
import { suite, test, type TestContext } from "node:test";
import { Pool } from "undici";
import {
  ask,
  jsonOf,
  openTls,
  statuses,
  testGateway,
  untilEnd,
  type TestGateway,
} from "./testing.ts";

/** An upstream that answers each connection with the bytes given. */
async function rawUpstream(t: TestContext, answer: (socket: Socket) => void): Promise<Pool> {
  const server = createTcp((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => answer(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const bound = server.address();
  const port = bound === null || typeof bound === "string" ? 0 : bound.port;
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 2 });
  t.after(async () => {
    await pool.destroy();
    server.close();
  });
  return pool;
}

const until = async (held: () => boolean): Promise<void> => {
  while (!held()) await new Promise((resolve) => setTimeout(resolve, 10));
};

function post(to: TestGateway, path: string, headers: Record<string, string | number>) {
  return httpsRequest({
    host: "127.0.0.1",
    port: to.port,
    servername: to.host,
    ca: to.ca,
    agent: false,
    method: "POST",
    path,
    headers: { host: to.host, ...headers },
  });
}

suite("bodies", () => {
  test("pass in both directions byte for byte, declared or in chunks", async (t) => {
    const to = await testGateway(t, {
      records: (request, response) => {
        response.setHeader("content-type", "application/octet-stream");
        request.pipe(response);
      },
    });
    const body = Buffer.alloc(5_000_000, Buffer.from("0123456789abcdef\u00e9"));
    const sha = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    const declared = await ask(to, { method: "POST", path: "/fhir", body });
    assert.equal(sha(declared.body), sha(body));
    const chunked = await ask(to, {
      method: "POST",
      path: "/fhir",
      body,
      headers: { "transfer-encoding": "chunked" },
    });
    assert.equal(sha(chunked.body), sha(body));
  });

  test("a declared length above the route's is refused before a byte of it is read", async (t) => {
    let asked = 0;
    const to = await testGateway(t, { records: () => (asked += 1) });
    const sent = post(to, "/fhir/Patient", { "content-length": 100 * 1024 * 1024 });
    const status = await new Promise((resolve, reject) => {
      sent.on("response", (response) => resolve(response.statusCode));
      sent.on("error", reject);
      sent.flushHeaders();
    });
    sent.destroy();
    assert.deepEqual([status, asked], [413, 0]);
  });

  for (const framing of ["content-length", "transfer-encoding"])
    test(`100 MB by ${framing} get 413 as an OperationOutcome, in little memory`, async (t) => {
      const to = await testGateway(t, {
        records: (request, response) => request.resume().on("end", () => response.end()),
      });
      const total = 100 * 1024 * 1024;
      const value = framing === "content-length" ? total : "chunked";
      const sent = post(to, "/fhir", { [framing]: value });
      const before = process.memoryUsage.rss();
      const answer = new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
        sent.on("error", reject);
        sent.on("response", (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
          );
        });
      });
      const piece = Buffer.alloc(64 * 1024);
      let left = total;
      const send = (): void => {
        while (left > 0 && !sent.destroyed) {
          left -= piece.length;
          if (!sent.write(piece)) return void sent.once("drain", send);
        }
      };
      send();
      const { status, body } = await answer;
      sent.destroy();
      assert.equal(status, 413);
      assert.equal(jsonOf({ body }).resourceType, "OperationOutcome");
      assert.ok(process.memoryUsage.rss() - before < 80 * 1024 * 1024);
    });

  test("a chunked body above the route's length breaks off the upstream's request", async (t) => {
    let broken = 0;
    const to = await testGateway(t, {
      identity: (request) => void request.resume().on("error", () => (broken += 1)),
    });
    const answer = await ask(to, {
      method: "POST",
      path: "/oauth/token",
      body: Buffer.alloc(17 * 1024),
      headers: { "transfer-encoding": "chunked" },
    });
    assert.equal(answer.status, 413);
    assert.equal(jsonOf(answer).type, "urn:phylax:problem:body-too-large");
    await until(() => broken === 1);
  });

  test("a client that waits to be told is told to continue, or is refused at once", async (t) => {
    const to = await testGateway(t, {
      records: (request, response) => {
        response.setHeader("content-type", "text/plain");
        request.pipe(response);
      },
    });
    const headers = `POST /fhir HTTP/1.1\r\nHost: ${to.host}\r\nExpect: 100-continue\r\n`;
    const socket = await openTls(to);
    const all = untilEnd(socket);
    socket.write(`${headers}Content-Length: 2\r\nConnection: close\r\n\r\n`);
    socket.once("data", () => socket.write("{}"));
    assert.deepEqual(statuses(await all), [100, 200]);
    const large = await openTls(to);
    const refused = untilEnd(large);
    large.write(`${headers}Content-Length: 99999999\r\n\r\n`);
    assert.deepEqual(statuses(await refused), [413]);
  });

  test("an answer before the whole request is passed on, and the connection closed", async (t) => {
    const to = await testGateway(t, {
      records: (_request, response) => response.writeHead(401).end("early"),
    });
    const socket = await openTls(to);
    const all = untilEnd(socket);
    socket.write(`POST /fhir HTTP/1.1\r\nHost: ${to.host}\r\nContent-Length: 100000\r\n\r\n{`);
    const raw = await all;
    assert.deepEqual(statuses(raw), [401]);
    assert.match(raw, /connection: close/i);
    assert.match(raw, /early\r\n0\r\n\r\n$/);
  });
});

suite("when a side breaks off", () => {
  test("the client gone, the upstream's work is aborted", async (t) => {
    let aborted = 0;
    const to = await testGateway(t, {
      records: (_request, response) => {
        response.write("some");
        response.on("close", () => (aborted += 1));
      },
    });
    const socket = await openTls(to);
    socket.write(`GET /fhir/metadata HTTP/1.1\r\nHost: ${to.host}\r\n\r\n`);
    socket.once("data", () => socket.destroy());
    await until(() => aborted === 1);
    await until(() => to.events.length === 1);
    const [event] = to.events;
    assert.deepEqual(event?.kind === "answered" && [event.status, event.whole], [200, false]);
  });

  test("the client gone while its body comes, the upstream's request is broken", async (t) => {
    let broken = 0;
    const to = await testGateway(t, {
      records: (request) => void request.resume().on("error", () => (broken += 1)),
    });
    const socket = await openTls(to);
    socket.write(`POST /fhir HTTP/1.1\r\nHost: ${to.host}\r\nContent-Length: 100\r\n\r\n{`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await until(() => broken === 1);
  });

  test("nobody listens upstream: 502 that says no more than that", async (t) => {
    const upstream = new Pool("http://127.0.0.1:1");
    t.after(() => upstream.destroy());
    const to = await testGateway(t, { upstream });
    const { status, body } = await ask(to, { path: "/fhir/metadata" });
    assert.equal(status, 502);
    assert.match(body.toString(), /upstream-unavailable/);
    assert.doesNotMatch(body.toString(), /127\.0\.0\.1|ECONN/);
  });

  test("an upstream that does not answer in time: 504", async (t) => {
    const to = await testGateway(t, { limits: { upstreamHeaderMs: 100 }, records: () => {} });
    assert.equal((await ask(to, { path: "/fhir/metadata" })).status, 504);
  });

  test("an upstream that dies within its answer: the client sees a break, not an end", async (t) => {
    const upstream = await rawUpstream(t, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345");
      setTimeout(() => socket.destroy(), 50);
    });
    const to = await testGateway(t, { upstream });
    await assert.rejects(ask(to, { path: "/fhir/metadata" }), /aborted|hang up/);
  });

  test("an upstream that dies within chunks: the client sees a break too", async (t) => {
    const upstream = await rawUpstream(t, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n");
      setTimeout(() => socket.destroy(), 50);
    });
    const to = await testGateway(t, { upstream });
    await assert.rejects(ask(to, { path: "/fhir/metadata" }), /aborted|hang up/);
  });
});

suite("a hostile answer", () => {
  const answers: readonly (readonly [string, string])[] = [
    ["a NUL in a field", "HTTP/1.1 200 OK\r\netag: a\u0000b\r\ncontent-length: 0\r\n\r\n"],
    [
      "a bare line feed in a field",
      "HTTP/1.1 200 OK\r\netag: a\nset-cookie: x=1\r\ncontent-length: 0\r\n\r\n",
    ],
    [
      "both lengths",
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["no HTTP", "hello\r\n\r\n"],
    [
      "an upgrade that nobody asked for",
      "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    ],
  ];
  for (const [name, bytes] of answers)
    test(`${name} becomes 502`, async (t) => {
      const upstream = await rawUpstream(t, (socket) => socket.write(Buffer.from(bytes, "latin1")));
      const to = await testGateway(t, { upstream });
      const { status, headers } = await ask(to, { path: "/fhir/metadata" });
      assert.equal(status, 502);
      assert.equal(headers["set-cookie"], undefined);
    });

  test("a control character that node's client lets through is not sent on", async (t) => {
    const upstream = await rawUpstream(t, (socket) =>
      socket.write(
        Buffer.from("HTTP/1.1 200 OK\r\netag: \u0001\r\ncontent-length: 0\r\n\r\n", "latin1"),
      ),
    );
    const to = await testGateway(t, { upstream });
    const { status, headers } = await ask(to, { path: "/fhir/metadata" });
    assert.deepEqual([status, headers.etag], [502, undefined]);
  });

  test("interim answers stay between us and the upstream", async (t) => {
    const upstream = await rawUpstream(t, (socket) =>
      socket.write(
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
      ),
    );
    const to = await testGateway(t, { upstream });
    const socket = await openTls(to);
    const all = untilEnd(socket);
    socket.write(`GET /fhir/metadata HTTP/1.1\r\nHost: ${to.host}\r\nConnection: close\r\n\r\n`);
    assert.deepEqual(statuses(await all), [200]);
  });

  test("trailers are dropped", async (t) => {
    const upstream = await rawUpstream(t, (socket) =>
      socket.write(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: set-cookie\r\n\r\n2\r\n{}\r\n0\r\nset-cookie: a=1\r\n\r\n",
      ),
    );
    const to = await testGateway(t, { upstream });
    const socket = await openTls(to);
    const all = untilEnd(socket);
    socket.write(`GET /oauth/jwks HTTP/1.1\r\nHost: ${to.host}\r\nConnection: close\r\n\r\n`);
    assert.doesNotMatch(await all, /set-cookie/i);
  });
});

test("a client that takes its answer slowly slows the upstream down", async (t) => {
  let written = 0;
  const to = await testGateway(t, {
    records: (_request, response) => {
      const piece = Buffer.alloc(64 * 1024);
      const send = (): void => {
        while (written < 64 * 1024 * 1024) {
          written += piece.length;
          if (!response.write(piece)) return void response.once("drain", send);
        }
        response.end();
      };
      send();
    },
  });
  const socket = await openTls(to);
  socket.write(`GET /fhir/metadata HTTP/1.1\r\nHost: ${to.host}\r\nConnection: close\r\n\r\n`);
  socket.once("data", () => socket.pause());
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(written < 32 * 1024 * 1024, `${written} bytes were taken from the upstream`);
  let received = 0;
  socket.on("data", (chunk: Buffer) => (received += chunk.length));
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.resume();
  await ended;
  assert.ok(received > 63 * 1024 * 1024);
});
