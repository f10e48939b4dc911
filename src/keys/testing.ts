import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "undici";
import { systemClock } from "#core/clock.ts";
import type { KeyService } from "#core/key-service.ts";
import type { Handler } from "#core/net.ts";
import { systemRandom } from "#core/random.ts";
import type { ProcessRole } from "#core/roles.ts";
import { createKeyClient } from "#keys/client.ts";
import { openKeyHome } from "#keys/keys.ts";
import type { Argon2Cost } from "#keys/kms/file.ts";
import type { KeyRing } from "#keys/ring.ts";
import { createKeysServer, type KeyUse } from "#keys/server.ts";

/** A test, or whatever else lasts a while and tidies up after itself. */
export interface Cleanup {
  after(tidy: () => Promise<unknown> | void): void;
}

/** The least work that argon2id takes: tests guard nothing with it. */
export const cheapCost: Argon2Cost = { memoryKib: 64, passes: 1, lanes: 1 };

export const testPassphrase = "correct horse battery staple";

/** A private folder that is gone after the test. */
export async function testFolder(t: Cleanup): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "phylax-keys-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A fresh root key and ring in a folder of their own. */
export async function testRing(t: Cleanup): Promise<KeyRing> {
  const ring = await openKeyHome({
    folder: join(await testFolder(t), "keys"),
    passphrase: testPassphrase,
    random: systemRandom,
    clock: systemClock,
    cost: cheapCost,
  });
  if (!ring.ok) throw new Error(ring.problem.code);
  return ring.value;
}

/** Serves a handler on a socket of its own and gives a pool of connections to it. */
export async function testPool(t: Cleanup, handler: Handler): Promise<Pool> {
  const socketPath = join(await testFolder(t), "http.sock");
  const server = createServer(handler);
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  const pool = new Pool("http://localhost", { connect: { socketPath }, connections: 4 });
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await pool.destroy();
  });
  return pool;
}

export interface TestKeys {
  readonly service: KeyService;
  readonly ring: KeyRing;
  /** Each request that the keys process answered. */
  readonly uses: readonly KeyUse[];
}

/** A whole keys process behind HTTP, asked by a caller of this role. */
export async function testKeys(t: Cleanup, role: ProcessRole = "records"): Promise<TestKeys> {
  const ring = await testRing(t);
  const uses: KeyUse[] = [];
  const handler = createKeysServer({
    ring,
    peerOf: () => role,
    random: systemRandom,
    onUse: (use) => uses.push(use),
  });
  return { service: createKeyClient(await testPool(t, handler)), ring, uses };
}
