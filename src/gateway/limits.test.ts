import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { suite, test } from "node:test";
import {
  ask,
  openTls,
  sendRaw,
  statuses,
  testGateway,
  type TestGateway,
  untilEnd,
} from "./testing.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ok: NonNullable<Parameters<typeof testGateway>[1]>["records"] = (_request, response) =>
  response.end("{}");

/** Why connections were refused, as the gateway tells when it closes. */
async function refusals(to: TestGateway): Promise<readonly string[]> {
  await to.gateway.close();
  return to.events.flatMap((event) =>
    event.kind === "refusals" ? event.counts.map(({ reason }) => reason) : [],
  );
}

/** Writes a piece every so often until the other side has had enough; gives how long that took. */
async function dribble(socket: Socket, everyMs: number, piece: string): Promise<number> {
  const from = performance.now();
  const timer = setInterval(() => socket.writable && socket.write(piece), everyMs);
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(timer);
  return performance.now() - from;
}

suite("sizes", () => {
  test("header fields beyond their bytes: 431", async (t) => {
    const to = await testGateway(t, { records: ok });
    const raw = await sendRaw(
      to,
      `GET /fhir/metadata HTTP/1.1\nHost: ${to.host}\nX: ${"x".repeat(20_000)}\n\n`,
    );
    assert.deepEqual(statuses(raw), [431]);
  });

  test("header fields beyond their number: 431", async (t) => {
    const to = await testGateway(t, { records: ok });
    const fields = (count: number): string => "x: 1\n".repeat(count);
    const head = `GET /fhir/metadata HTTP/1.1\nHost: ${to.host}\nConnection: close\n`;
    assert.deepEqual(statuses(await sendRaw(to, `${head}${fields(98)}\n`)), [200]);
    assert.deepEqual(statuses(await sendRaw(to, `${head}${fields(99)}\n`)), [431]);
  });

  test("an address beyond its bytes: 414", async (t) => {
    const to = await testGateway(t, { records: ok });
    assert.equal((await ask(to, { path: `/fhir/metadata?${"x".repeat(8_000)}` })).status, 200);
    assert.equal((await ask(to, { path: `/fhir/metadata?${"x".repeat(9_000)}` })).status, 414);
  });
});

suite("slowness", () => {
  test("a handshake that does not come is ended", async (t) => {
    const to = await testGateway(t, { limits: { handshakeMs: 150 } });
    const socket = connect(to.port, "127.0.0.1");
    const took = await dribble(socket, 1_000, "");
    assert.ok(took < 5_000, `${took} ms`);
    assert.deepEqual(await refusals(to), ["too-slow"]);
  });

  test("a first header that trickles is ended", async (t) => {
    const to = await testGateway(t, { limits: { headerMs: 200 }, records: ok });
    const socket = await openTls(to);
    socket.resume();
    socket.write(`GET /fhir/metadata HTTP/1.1\r\n`);
    const took = await dribble(socket, 20, "x: 1\r\n");
    assert.ok(took > 150 && took < 5_000, `${took} ms`);
  });

  test("a later header that trickles is ended too", async (t) => {
    const to = await testGateway(t, { limits: { headerMs: 200, idleMs: 60_000 }, records: ok });
    const socket = await openTls(to);
    socket.write(`GET /fhir/metadata HTTP/1.1\r\nHost: ${to.host}\r\n\r\n`);
    await new Promise((resolve) => socket.once("data", resolve));
    await pause(300);
    socket.write(`GET /fhir/metadata HTTP/1.1\r\n`);
    const took = await dribble(socket, 20, "x: 1\r\n");
    assert.ok(took > 150 && took < 5_000, `${took} ms`);
    assert.deepEqual(await refusals(to), ["too-slow"]);
  });

  test("a connection at rest is ended, and not before", async (t) => {
    const to = await testGateway(t, { limits: { idleMs: 300 }, records: ok });
    const socket = await openTls(to);
    socket.write(`GET /fhir/metadata HTTP/1.1\r\nHost: ${to.host}\r\n\r\n`);
    const took = await dribble(socket.resume(), 10_000, "");
    assert.ok(took > 250 && took < 5_000, `${took} ms`);
    assert.deepEqual(await refusals(to), []);
  });

  test("a body that trickles gets 408, and the upstream's request is broken", async (t) => {
    let broken = 0;
    const to = await testGateway(t, {
      limits: { bodyGraceMs: 200, bodyBytesPerSecond: 10_000 },
      records: (request) => void request.resume().on("error", () => (broken += 1)),
    });
    const socket = await openTls(to);
    const answer = untilEnd(socket);
    socket.write(`POST /fhir HTTP/1.1\r\nHost: ${to.host}\r\nContent-Length: 10000\r\n\r\n`);
    const took = await dribble(socket, 20, " ");
    assert.deepEqual(statuses(await answer), [408]);
    assert.ok(took < 5_000, `${took} ms`);
    await pause(50);
    assert.equal(broken, 1);
  });

  test("an answer that nobody takes is cut", async (t) => {
    const to = await testGateway(t, {
      limits: { stalledAnswerMs: 200 },
      records: (_request, response) => response.end(Buffer.alloc(50 * 1024 * 1024)),
    });
    const socket = await openTls(to);
    socket.write(`GET /fhir/metadata HTTP/1.1\r\nHost: ${to.host}\r\n\r\n`);
    socket.once("data", () => socket.pause());
    const deadline = performance.now() + 5_000;
    while (to.events.length === 0 && performance.now() < deadline) await pause(20);
    const [event] = to.events;
    assert.equal(event?.kind === "answered" && event.whole, false);
    socket.destroy();
  });
});

suite("numbers", () => {
  test("connections of one address beyond their number are not answered", async (t) => {
    const to = await testGateway(t, { limits: { connectionsPerAddress: 2 }, records: ok });
    const held = [await openTls(to), await openTls(to)];
    await assert.rejects(openTls(to));
    for (const socket of held) socket.destroy();
    await pause(50);
    (await openTls(to)).destroy();
    assert.deepEqual(await refusals(to), ["too-many-from-address"]);
  });

  test("connections in all beyond their number are not answered", async (t) => {
    const to = await testGateway(t, { limits: { connections: 1 }, records: ok });
    const held = await openTls(to);
    await assert.rejects(openTls(to));
    held.destroy();
    assert.deepEqual(await refusals(to), ["too-many-connections"]);
  });

  test("the last request that a connection may carry says so", async (t) => {
    let reached = 0;
    const to = await testGateway(t, {
      limits: { requestsPerConnection: 2 },
      records: (_request, response) => {
        reached += 1;
        response.end("{}");
      },
    });
    const socket = await openTls(to);
    const all = untilEnd(socket);
    socket.write(`GET /fhir/metadata HTTP/1.1\r\nHost: ${to.host}\r\n\r\n`.repeat(3));
    const raw = await all;
    assert.deepEqual(statuses(raw), [200, 200]);
    assert.equal(raw.match(/connection: close/gi)?.length, 1);
    assert.equal(reached, 2);
  });

  test("pipelined requests beyond their number end the connection", async (t) => {
    let reached = 0;
    const to = await testGateway(t, {
      limits: { requestsAtOncePerConnection: 4 },
      records: () => (reached += 1),
    });
    const socket = await openTls(to);
    const all = untilEnd(socket);
    socket.write(`GET /fhir/metadata HTTP/1.1\r\nHost: ${to.host}\r\n\r\n`.repeat(50));
    assert.deepEqual(statuses(await all), []);
    await pause(50);
    assert.ok(reached <= 4);
    assert.equal(to.events.length, 4);
    assert.deepEqual(await refusals(to), ["too-many-at-once"]);
  });

  test("requests at once in all beyond their number get 503", async (t) => {
    const to = await testGateway(t, {
      limits: { requestsAtOnce: 1 },
      records: (_request, response) => setTimeout(() => response.end("{}"), 200),
    });
    const first = ask(to, { path: "/fhir/metadata" });
    await pause(50);
    const second = await ask(to, { path: "/fhir/metadata" });
    assert.deepEqual([second.status, second.headers["retry-after"]], [503, "1"]);
    assert.equal((await first).status, 200);
    assert.equal((await ask(to, { path: "/fhir/metadata" })).status, 200);
  });

  test("a route's requests beyond its budget get 429 and when to come again", async (t) => {
    const to = await testGateway(t, { limits: { rateShare: 3 / 60 }, identity: ok });
    const totp = async () => ask(to, { method: "POST", path: "/sign-in/abc/totp", body: "{}" });
    const answers = [await totp(), await totp(), await totp(), await totp()];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 429],
    );
    const after = Number(answers[3]?.headers["retry-after"]);
    assert.ok(after >= 15 && after <= 20, `${after} s`);
    const other = await ask(to, { method: "POST", path: "/sign-in/abc/password", body: "{}" });
    assert.equal(other.status, 200);
  });

  test("an address that is refused too often is cut", async (t) => {
    const to = await testGateway(t, { limits: { refusalsPerMinute: 3 }, records: ok });
    const socket = await openTls(to);
    const all = untilEnd(socket);
    socket.write(`GET /none HTTP/1.1\r\nHost: ${to.host}\r\n\r\n`.repeat(9));
    assert.ok(statuses(await all).length <= 4);
    assert.equal((await ask(to, { path: "/fhir/metadata" })).status, 200);
    assert.ok((await refusals(to)).includes("too-many-refusals"));
  });
});
