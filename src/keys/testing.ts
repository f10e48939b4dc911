import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "undici";
import { systemClock } from "#core/clock.ts";
import type { KeyOperator, KeyService } from "#core/key-service.ts";
import type { Handler } from "#core/net.ts";
import { refuse } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { BrokenInvariant, ok } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import { createKeyClient, createKeyOperator } from "#keys/client.ts";
import type { RecordUse } from "#keys/desk.ts";
import { openKeyHome, type KeyHome, type OpenKeyHome } from "#keys/keys.ts";
import type { KeyAction, KeyUse } from "#keys/key-use.ts";
import type { Argon2Cost } from "#keys/kms/passphrase.ts";
import type { KeyRing } from "#keys/ring.ts";
import { createKeysServer, type KeysServerDeps } from "#keys/server.ts";

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

/** A home for keys that is not made yet, with the least work for its passphrase. */
export async function testKeyHome(t: Cleanup): Promise<KeyHome> {
  return {
    folder: join(await testFolder(t), "keys"),
    choice: null,
    passphrase: () => ok(testPassphrase),
    random: systemRandom,
    clock: systemClock,
    cost: cheapCost,
    tools: unreachableTools,
  };
}

/** For kinds of KMS that neither start a program nor connect. */
const unreachableTools: KeyHome["tools"] = {
  run: async () => ({ end: "missing" }),
  connect: () => {
    throw new BrokenInvariant("this test connects to no KMS");
  },
};

/** A fresh root key and ring in a folder of their own. */
export async function testOpenHome(t: Cleanup): Promise<OpenKeyHome> {
  const opened = await openKeyHome(await testKeyHome(t));
  if (!opened.ok) throw new BrokenInvariant(opened.problem.code);
  return opened.value;
}

export async function testRing(t: Cleanup): Promise<KeyRing> {
  return (await testOpenHome(t)).keeper.current();
}

/** What a keys server needs beside its ring, when nothing is recorded, braked or put in escrow. */
export function testServerDeps(
  home: OpenKeyHome,
  changed: Partial<KeysServerDeps> = {},
): KeysServerDeps {
  return {
    ...home,
    peerOf: () => "records",
    hostOf: () => "local",
    random: systemRandom,
    record: async ({ signals }) => ok(signals),
    brake: { check: () => ({ pass: true, signals: [] }), lift: () => {} },
    head: () => ({ lines: 0, hash: Buffer.alloc(32).toString("base64url") }),
    sealForEscrow: async () => refuse("fips-unavailable"),
    ...changed,
  };
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

/** A request in numbers. */
export interface CountedUse {
  readonly action: KeyAction;
  readonly who: ProcessRole;
  readonly asked: number;
  readonly given: number;
}

export function countUse({ action, caller, given, refused }: KeyUse): CountedUse {
  const asked = given.length + refused.length;
  return { action, who: caller.role, asked, given: given.length };
}

export interface TestKeys {
  readonly service: KeyService;
  readonly operator: KeyOperator;
  readonly home: OpenKeyHome;
  /** Each request that the keys process answered. */
  readonly uses: readonly CountedUse[];
}

/** A whole keys process behind HTTP, asked by a caller of this role, and by an operator. */
export async function testKeys(t: Cleanup, role: ProcessRole = "records"): Promise<TestKeys> {
  const home = await testOpenHome(t);
  const uses: CountedUse[] = [];
  const poolOf = (peer: ProcessRole): Promise<Pool> => {
    const record: RecordUse = async (use) => {
      uses.push(countUse(use));
      return ok(use.signals);
    };
    const deps = testServerDeps(home, { record, peerOf: () => peer });
    return testPool(t, createKeysServer(deps));
  };
  return {
    service: createKeyClient(await poolOf(role)),
    operator: createKeyOperator(await poolOf("operator")),
    home,
    uses,
  };
}
