import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { connect, createServer, type ConnectionOptions, type SecureContextOptions } from "node:tls";
import { openAuthority } from "#assembly/authority.ts";
import { openHome } from "#assembly/home.ts";
import { systemClock } from "#core/clock.ts";
import { mutualTls, roleName, type TlsIdentity } from "#core/net.ts";
import { systemRandom } from "#core/random.ts";
import { secureContextOptions } from "#gateway/tls-options.ts";

async function testIdentity(t: TestContext): Promise<TlsIdentity> {
  const folder = mkdtempSync(join(tmpdir(), "phylax-approved-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const home = openHome(folder);
  assert.ok(home.ok);
  return (await openAuthority(home.value, systemClock, systemRandom)).issueRole("keys");
}

/** What is negotiated; null when the handshake fails. */
async function handshake(
  t: TestContext,
  server: SecureContextOptions,
  client: ConnectionOptions,
): Promise<{ readonly group: unknown; readonly suite: string } | null> {
  const listener = createServer(server, (socket) => socket.end());
  listener.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => {
    listener.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => listener.close());
  const bound = listener.address();
  assert.ok(bound !== null && typeof bound !== "string");
  return new Promise((resolve) => {
    const servername = roleName("keys");
    const socket = connect({ port: bound.port, host: "127.0.0.1", servername, ...client });
    socket.on("error", () => resolve(null));
    socket.once("secureConnect", () => {
      const info = socket.getEphemeralKeyInfo();
      const group = info !== null && "name" in info ? info.name : null;
      resolve({ group, suite: socket.getCipher().standardName });
      socket.destroy();
    });
  });
}

suite("TLS in FIPS mode", () => {
  test("processes agree on an approved hybrid group and AES-GCM", async (t) => {
    const identity = await testIdentity(t);
    const found = await handshake(t, mutualTls(identity, true), mutualTls(identity, true));
    assert.deepEqual(found, { group: "SecP256r1MLKEM768", suite: "TLS_AES_256_GCM_SHA384" });
  });

  for (const [side, optionsOf] of [
    ["processes", (identity: TlsIdentity) => mutualTls(identity, true)],
    ["the gateway", (identity: TlsIdentity) => secureContextOptions(identity, "TLSv1.2", true)],
  ] as const) {
    test(`${side} refuse X25519 alone and ChaCha20, and take P-256 and browsers' hybrid`, async (t) => {
      const identity = await testIdentity(t);
      const server = optionsOf(identity);
      const as = (more: ConnectionOptions): ConnectionOptions => ({ ca: identity.ca, ...more });
      assert.equal(await handshake(t, server, as({ ecdhCurve: "X25519" })), null);
      const chacha = "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305";
      assert.equal(await handshake(t, server, as({ ciphers: chacha })), null);
      assert.equal((await handshake(t, server, as({ ecdhCurve: "P-256" })))?.group, "prime256v1");
      const browser = await handshake(t, server, as({ ecdhCurve: "X25519MLKEM768:X25519" }));
      assert.equal(browser?.group, "X25519MLKEM768");
    });
  }

  test("outside FIPS mode X25519 alone is taken, so that the refusals above mean something", async (t) => {
    const identity = await testIdentity(t);
    const client = { ca: identity.ca, ecdhCurve: "X25519" };
    assert.ok(await handshake(t, mutualTls(identity, false), client));
    assert.ok(await handshake(t, secureContextOptions(identity, "TLSv1.3", false), client));
  });
});
