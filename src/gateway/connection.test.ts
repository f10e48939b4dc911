import assert from "node:assert/strict";
import { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { suite, test } from "node:test";
import { TLSSocket } from "node:tls";
import { exchangeTooSlow, mayReset, newConnection, overdue } from "./connection.ts";
import { type Exchange, newMeter, Watch } from "./exchange.ts";
import { gatewayLimits as limits } from "./limits.ts";
import type { Source } from "./sources.ts";

const source: Source = { address: "192.0.2.1", zone: "internet", take: () => 0, close: () => {} };
const connectionAt = (nowMs: number) => newConnection(new Socket(), source, limits, nowMs);

/** An HTTP/1.1 connection whose received bytes the test sets. */
function speaking(nowMs: number) {
  const received = { bytes: 0 };
  const socket = new TLSSocket(new Socket());
  Object.defineProperty(socket, "bytesRead", { get: () => received.bytes });
  const connection = connectionAt(nowMs);
  connection.speech = { kind: "http/1.1", socket };
  return { connection, received };
}

function exchange(): Exchange {
  return {
    protocol: "http/1.1",
    method: "POST",
    target: "/",
    rawHeaders: [],
    fault: null,
    meter: newMeter(0),
    watch: new Watch(),
    bodyFollows: true,
    source: new PassThrough(),
    sendContinue: () => {},
    begin: () => {},
    write: () => true,
    onDrain: () => {},
    end: () => {},
    cut: () => {},
  };
}

suite("a connection's time", () => {
  test("the handshake has its limit", () => {
    const connection = connectionAt(0);
    assert.equal(overdue(connection, limits, limits.handshakeMs), null);
    assert.deepEqual(overdue(connection, limits, limits.handshakeMs + 1), {
      kind: "cut",
      reason: "too-slow",
    });
  });

  test("a connection that never asks is ended after the time of a header", () => {
    const { connection } = speaking(0);
    assert.equal(overdue(connection, limits, limits.headerMs), null);
    assert.deepEqual(overdue(connection, limits, limits.headerMs + 1), { kind: "end" });
  });

  test("one that has asked may rest longer", () => {
    const { connection } = speaking(0);
    connection.requests = 1;
    assert.equal(overdue(connection, limits, limits.idleMs), null);
    assert.deepEqual(overdue(connection, limits, limits.idleMs + 1), { kind: "end" });
  });

  test("a header that trickles on a rested connection has the time of a header, not of a rest", () => {
    const { connection, received } = speaking(0);
    connection.requests = 1;
    received.bytes = 500;
    assert.equal(overdue(connection, limits, 1_000), null);
    received.bytes = 501;
    assert.equal(overdue(connection, limits, 20_000), null);
    received.bytes = 502;
    assert.equal(overdue(connection, limits, 20_000 + limits.headerMs), null);
    assert.deepEqual(overdue(connection, limits, 20_001 + limits.headerMs), {
      kind: "cut",
      reason: "too-slow",
    });
  });

  test("while a request is under way the connection is left alone", () => {
    const { connection } = speaking(0);
    connection.exchanges.add(exchange());
    assert.equal(overdue(connection, limits, 10 * limits.idleMs), null);
  });

  test("a connection that is being closed lingers no longer than granted", () => {
    const { connection } = speaking(0);
    connection.closingSinceMs = 0;
    assert.equal(overdue(connection, limits, limits.lingerMs), null);
    assert.deepEqual(overdue(connection, limits, limits.lingerMs + 1), { kind: "end" });
  });
});

suite("an exchange's time", () => {
  test("a body has its grace, and then must keep to the rate", () => {
    const slow = exchange();
    slow.meter.receivingSinceMs = 0;
    slow.meter.bytesIn = limits.bodyBytesPerSecond * 5;
    assert.equal(exchangeTooSlow(slow, limits, limits.bodyGraceMs), null);
    assert.equal(exchangeTooSlow(slow, limits, limits.bodyGraceMs + 5_000), null);
    assert.equal(exchangeTooSlow(slow, limits, limits.bodyGraceMs + 5_001), "body");
  });

  test("even a steady body has an end", () => {
    const steady = exchange();
    steady.meter.receivingSinceMs = limits.bodyMs - 1;
    assert.equal(exchangeTooSlow(steady, limits, limits.bodyMs), null);
    assert.equal(exchangeTooSlow(steady, limits, limits.bodyMs + 1), "body");
  });

  test("while the upstream is waited for, the client is not too slow", () => {
    assert.equal(exchangeTooSlow(exchange(), limits, limits.bodyMs * 2), null);
  });

  test("an answer that nobody takes is cut", () => {
    const stalled = exchange();
    stalled.meter.blockedSinceMs = 0;
    assert.equal(exchangeTooSlow(stalled, limits, limits.stalledAnswerMs), null);
    assert.equal(exchangeTooSlow(stalled, limits, limits.stalledAnswerMs + 1), "answer");
  });
});

test("streams may be reset in a burst, and then at the granted rate", () => {
  const connection = connectionAt(0);
  for (let reset = 0; reset < limits.resetsBurst; reset += 1)
    assert.ok(mayReset(connection, limits, 0));
  assert.equal(mayReset(connection, limits, 0), false);
  assert.ok(mayReset(connection, limits, 2_000 / limits.resetsPerSecond));
});
