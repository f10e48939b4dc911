import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { openTls, statuses, testGateway, untilEnd } from "./testing.ts";

/** What Node tells of the key exchange; TLS groups have a name since OpenSSL 3.5. */
function groupOf(info: object | null): unknown {
  return info !== null && "name" in info ? info.name : null;
}

suite("TLS", () => {
  test("the hybrid post-quantum group is negotiated with a client that knows it", async (t) => {
    const to = await testGateway(t);
    const socket = await openTls(to);
    assert.equal(groupOf(socket.getEphemeralKeyInfo()), "X25519MLKEM768");
    socket.destroy();
    (await openTls(to, { ecdhCurve: "X25519MLKEM768" })).destroy();
  });

  test("a client that knows only classical groups gets one", async (t) => {
    const to = await testGateway(t);
    for (const group of ["X25519", "P-256"]) {
      const socket = await openTls(to, { ecdhCurve: group });
      assert.equal(socket.getProtocol(), "TLSv1.3");
      socket.destroy();
    }
  });

  const refused: readonly (readonly [string, ConnectionOptions])[] = [
    ["TLS 1.2", { maxVersion: "TLSv1.2" }],
    ["a group that is not offered", { ecdhCurve: "P-521" }],
  ];
  for (const [name, options] of refused)
    test(`${name} is refused`, async (t) => {
      const to = await testGateway(t);
      await assert.rejects(openTls(to, options), /alert|ECONNRESET/);
    });

  test("TLS 1.2 is an option, and then with forward secrecy and AEAD only", async (t) => {
    const to = await testGateway(t, { deps: { minTls: "TLSv1.2" } });
    const socket = await openTls(to, { maxVersion: "TLSv1.2" });
    assert.match(socket.getCipher().name, /^ECDHE-.*(?:GCM|CHACHA20)/);
    socket.destroy();
    for (const ciphers of [
      "ECDHE-ECDSA-AES128-SHA256",
      "AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES128-SHA",
    ])
      await assert.rejects(openTls(to, { maxVersion: "TLSv1.2", ciphers }), /alert|ECONNRESET/);
    await assert.rejects(
      openTls(to, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }),
    );
  });

  test("a TLS 1.2 client may not renegotiate", async (t) => {
    const to = await testGateway(t, { deps: { minTls: "TLSv1.2" } });
    const socket = await openTls(to, { maxVersion: "TLSv1.2" });
    const error = await new Promise((resolve) => {
      socket.on("error", resolve);
      socket.renegotiate({}, resolve);
    });
    assert.ok(error instanceof Error);
    socket.destroy();
  });

  test("ALPN chooses the protocol, and one that nobody speaks ends the handshake", async (t) => {
    const to = await testGateway(t);
    for (const [offered, chosen] of [
      [["h2", "http/1.1"], "h2"],
      [["http/1.1"], "http/1.1"],
    ] as const) {
      const socket = await openTls(to, { ALPNProtocols: [...offered] });
      assert.equal(socket.alpnProtocol, chosen);
      socket.destroy();
    }
    await assert.rejects(openTls(to, { ALPNProtocols: ["spdy/3"] }), /alert/);
  });

  test("a resumed session is served, and makes a key exchange of its own", async (t) => {
    const to = await testGateway(t, { records: (_request, response) => response.end("{}") });
    const request = `GET /fhir/metadata HTTP/1.1\r\nHost: ${to.host}\r\nConnection: close\r\n\r\n`;
    const first = await openTls(to);
    const ticket = new Promise<Buffer>((resolve) => first.once("session", resolve));
    first.write(request);
    const session = await ticket;
    await untilEnd(first);
    const again = await openTls(to, { session });
    assert.ok(again.isSessionReused());
    assert.equal(groupOf(again.getEphemeralKeyInfo()), "X25519MLKEM768");
    const answer = untilEnd(again);
    again.write(request);
    assert.deepEqual(statuses(await answer), [200]);
  });

  test("a ticket dies with its key", async (t) => {
    const to = await testGateway(t, {
      limits: { ticketKeyMs: 100 },
      records: (_request, response) => response.end("{}"),
    });
    const first = await openTls(to);
    const session = await new Promise<Buffer>((resolve) => first.once("session", resolve));
    first.destroy();
    await new Promise((resolve) => setTimeout(resolve, 250));
    const again = await openTls(to, { session });
    assert.equal(again.isSessionReused(), false);
    again.destroy();
  });

  test("unfit TLS material stops the start", async (t) => {
    await assert.rejects(
      testGateway(t, { deps: { tls: { key: "no key", cert: "no certificate" } } }),
    );
  });
});
