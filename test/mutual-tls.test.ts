import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { openAuthority, type Authority } from "#assembly/authority.ts";
import { openHome, type Home } from "#assembly/home.ts";
import { systemClock } from "#core/clock.ts";
import { connectPeer, listenMutual, peerRole, type Address } from "#core/net.ts";
import { systemRandom } from "#core/random.ts";
import type { ProcessRole } from "#core/roles.ts";

interface Bench {
  readonly address: Address;
  ask(role: ProcessRole, expects?: ProcessRole, authority?: Authority): Promise<string>;
}

async function makeHome(t: TestContext): Promise<{ home: Home; authority: Authority }> {
  const folder = mkdtempSync(join(tmpdir(), "phylax-tls-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const home = openHome(folder);
  assert.ok(home.ok);
  return {
    home: home.value,
    authority: await openAuthority(home.value, systemClock, systemRandom),
  };
}

async function recordsThatAccepts(t: TestContext, accepts: readonly ProcessRole[]): Promise<Bench> {
  const { home, authority } = await makeHome(t);
  const address: Address = { kind: "unix", path: home.socket("records") };
  const listener = await listenMutual({
    address,
    accepts,
    identity: await authority.issueRole("records"),
    handler: (request, response) => response.end(peerRole(request)),
  });
  t.after(() => listener.close());
  const ask = async (
    role: ProcessRole,
    expects: ProcessRole = "records",
    signer = authority,
  ): Promise<string> => {
    const ca = (await authority.issueRole("operator")).ca;
    const peer = connectPeer({
      address,
      identity: { ...(await signer.issueRole(role)), ca },
      role: expects,
    });
    t.after(() => peer.destroy());
    const { body } = await peer.request({ path: "/", method: "GET" });
    return body.text();
  };
  return { address, ask };
}

suite("mutual TLS between roles", () => {
  test("a role that the topology lets in is answered and known by its certificate", async (t) => {
    const records = await recordsThatAccepts(t, ["gateway", "operator"]);
    assert.equal(await records.ask("gateway"), "gateway");
    assert.equal(await records.ask("operator"), "operator");
  });

  test("a role that is not let in is cut off before its request is heard", async (t) => {
    const records = await recordsThatAccepts(t, ["gateway"]);
    await assert.rejects(records.ask("keys"), /other side closed|ECONNRESET|socket/i);
  });

  test("a certificate of another deployment's authority is refused", async (t) => {
    const records = await recordsThatAccepts(t, ["gateway"]);
    const { authority: stranger } = await makeHome(t);
    await assert.rejects(records.ask("gateway", "records", stranger));
  });

  test("a caller refuses a server that proves another role than it looked for", async (t) => {
    const records = await recordsThatAccepts(t, ["gateway"]);
    await assert.rejects(records.ask("gateway", "keys"), /not keys/);
  });
});
