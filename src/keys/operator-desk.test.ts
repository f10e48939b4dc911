import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Pool } from "undici";
import type { KeyOperator } from "#core/key-service.ts";
import type { WrappedKey } from "#core/key-wire.ts";
import { systemRandom } from "#core/random.ts";
import { processRoles, type ProcessRole } from "#core/roles.ts";
import { createKeyOperator } from "#keys/client.ts";
import { createDesk } from "#keys/desk.ts";
import { makeEscrowIdentity, openEscrow, sealForEscrow } from "#keys/escrow.ts";
import { openKeyHome, type OpenKeyHome } from "#keys/keys.ts";
import { createKeysServer } from "#keys/server.ts";
import { testFolder, testKeyHome, testPool, testServerDeps } from "#keys/testing.ts";

const tenant = "6f0e8e0e-0000-4000-8000-000000000001";
const patientAt = (n: number): string =>
  `6f0e8e0e-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;

interface Served {
  readonly home: OpenKeyHome;
  readonly folder: string;
  readonly operator: KeyOperator;
  readonly pool: Pool;
  caller: ProcessRole;
}

async function serve(t: TestContext): Promise<Served> {
  const at = await testKeyHome(t);
  const home = await openKeyHome(at);
  assert.ok(home.ok);
  const handler = createKeysServer(
    testServerDeps(home.value, { sealForEscrow, peerOf: () => served.caller }),
  );
  const pool = await testPool(t, handler);
  const operator = createKeyOperator(pool);
  const served: Served = {
    home: home.value,
    folder: at.folder,
    operator,
    pool,
    caller: "operator",
  };
  return served;
}

function wrapped(home: OpenKeyHome, count: number): readonly WrappedKey[] {
  const ring = home.keeper.current();
  return Array.from({ length: count }, (_, n) =>
    ring.wrap({ tenant, compartment: patientAt(n), dekVersion: 1 }, systemRandom.bytes(32)),
  );
}

async function statusOf(
  pool: Pool,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
): Promise<number> {
  const headers = { "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers };
  const answer = await pool.request({ method, path, ...sent });
  await answer.body.dump();
  return answer.statusCode;
}

const forOperators: readonly [string, "GET" | "POST", string, unknown][] = [
  ["start an epoch", "POST", "/epochs", {}],
  ["retire epochs", "POST", "/epochs/retire", { before: 1 }],
  ["read the ring", "GET", "/ring", undefined],
  ["move the KMS", "POST", "/kms", { kms: { kind: "file" } }],
  ["have an escrow made", "POST", "/escrow", { recipient: "age1" }],
  ["lift the brake", "POST", "/brake", { patients: 1, minutes: 1 }],
];

for (const [what, method, path, body] of forOperators) {
  test(`nobody but an operator may ${what}, or learns that it can be done`, async (t) => {
    const served = await serve(t);
    for (const role of processRoles.filter((one) => one !== "operator")) {
      served.caller = role;
      assert.equal(await statusOf(served.pool, method, path, body), 404);
    }
    assert.equal(served.home.keeper.current().currentEpoch, 1);
  });
}

test("ten thousand keys and more come back in order under the new epoch", async (t) => {
  const { home, operator } = await serve(t);
  const keys = wrapped(home, 10_500);
  assert.ok((await operator.startEpoch()).ok);
  const answer = await operator.rewrap(keys);
  assert.ok(answer.ok);
  assert.equal(answer.value.length, keys.length);
  const ring = home.keeper.current();
  keys.forEach((key, i) => {
    const young = answer.value[i];
    assert.ok(young?.ok === true && young.kekEpoch === 2);
    assert.ok(ring.unwrap({ ...key, kekEpoch: 2, wrapped: young.wrapped }).ok);
  });
});

test("while ten thousand keys are wrapped anew, others have their turn again and again", async (t) => {
  const { home } = await serve(t);
  const deps = testServerDeps(home);
  const desk = createDesk({ ...deps, takeSignals: () => [], ring: () => home.keeper.current() });
  const work = { done: false, turns: 0 };
  const turn = (): void => {
    work.turns += 1;
    if (!work.done) setImmediate(turn);
  };
  setImmediate(turn);
  const caller = { role: "operator", host: "local" } as const;
  const keys = wrapped(home, 10_000);
  const body = {
    tenant,
    compartments: keys.map(({ compartment }) => compartment),
    dekVersions: keys.map(({ dekVersion }) => dekVersion),
    kekEpochs: keys.map(({ kekEpoch }) => kekEpoch),
    wrapped: keys.map((key) => key.wrapped).join(""),
  };
  assert.ok((await desk.rewrap(caller, body)).ok);
  work.done = true;
  assert.ok(work.turns > 30, `${work.turns} turns`);
});

test("records and identity may have their own keys wrapped anew, and no others", async (t) => {
  const served = await serve(t);
  const [patients = assert.fail()] = wrapped(served.home, 1);
  const ring = served.home.keeper.current();
  const own = ring.wrap({ tenant, compartment: "identity", dekVersion: 1 }, Buffer.alloc(32));
  const rewrap = async (role: ProcessRole): Promise<readonly boolean[]> => {
    served.caller = role;
    const answer = await served.operator.rewrap([patients, own]);
    return answer.ok ? answer.value.map(({ ok }) => ok) : [];
  };
  assert.deepEqual(await rewrap("records"), [true, false]);
  assert.deepEqual(await rewrap("identity"), [false, true]);
  assert.deepEqual(await rewrap("gateway"), [false, false]);
  assert.deepEqual(await rewrap("operator"), [true, true]);
});

test("an operator is handed no key in the clear", async (t) => {
  const { home, operator, pool } = await serve(t);
  const [key = assert.fail()] = wrapped(home, 1);
  const unwrap = await pool.request({
    method: "POST",
    path: "/unwrap",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ keys: [key] }),
  });
  assert.deepEqual(await unwrap.body.json(), { keys: [{ ok: false, code: "not-yours" }] });
  const ring = await operator.ring();
  assert.ok(ring.ok);
  const keks = await home.keeper.lend(async ({ epochs }) =>
    epochs.map(({ kek }) => kek.toString("base64url")),
  );
  assert.ok(keks.every((kek) => !ring.value.includes(kek)));
});

test("the ring comes as its file lies on disk", async (t) => {
  const { folder, operator } = await serve(t);
  const ring = await operator.ring();
  assert.ok(ring.ok);
  assert.equal(ring.value, await readFile(join(folder, "key-ring.json"), "utf8"));
});

test("an escrow holds the KEKs of every epoch for its recipient alone", async (t) => {
  const { home, operator } = await serve(t);
  assert.ok((await operator.startEpoch()).ok);
  const { identity, recipient } = await makeEscrowIdentity();
  const file = await operator.escrow(recipient);
  assert.ok(file.ok);
  const opened = await openEscrow(file.value, identity);
  assert.ok(opened.ok);
  await home.keeper.lend(async (bare) => assert.deepEqual(opened.value, bare));
});

test("why something was refused is told an operator in words", async (t) => {
  const { operator } = await serve(t);
  const found = await operator.retireEpochs(2);
  assert.ok(!found.ok);
  assert.deepEqual(found.problem, {
    code: "parameter-invalid",
    detail: "epoch 1 wraps new keys",
  });
});

test("the keys go on opening while the KMS is moved and epochs come and go", async (t) => {
  const { home, operator } = await serve(t);
  const [key = assert.fail()] = wrapped(home, 1);
  const work = { moving: true, asked: 0 };
  const reading = (async () => {
    for (; work.moving; work.asked += 1) {
      assert.ok(home.keeper.current().unwrap(key).ok);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const path = join(await testFolder(t), "root.key");
  assert.ok((await operator.startEpoch()).ok);
  assert.ok((await operator.moveKms({ kind: "file", path })).ok);
  const status = await operator.startEpoch();
  assert.ok(status.ok);
  assert.deepEqual(
    status.value.epochs.map(({ epoch }) => epoch),
    [1, 2, 3],
  );
  work.moving = false;
  await reading;
  assert.ok(work.asked > 0);
});

test("an epoch is not started twice when only its answer was lost", async (t) => {
  let asked = 0;
  const pool = await testPool(t, (request) => {
    asked += 1;
    request.socket.destroy();
  });
  const found = await createKeyOperator(pool).startEpoch();
  assert.ok(!found.ok);
  assert.equal(found.problem.code, "key-unavailable");
  assert.equal(asked, 1);
});

test("a body to wrap anew in another form than our client's is refused", async (t) => {
  const { pool } = await serve(t);
  const send = async (body: string): Promise<number> => {
    const headers = { "content-type": "application/json" };
    const answer = await pool.request({ method: "POST", path: "/rewrap", headers, body });
    await answer.body.dump();
    return answer.statusCode;
  };
  const none = '{"tenant":"t","compartments":[],"dekVersions":[],"kekEpochs":[],"wrapped":""}';
  assert.equal(await send(none), 200);
  const twice = none.replace("{", '{"tenant":"t",');
  for (const body of [twice, none.replace("{", "{ "), "{", "[".repeat(1_000_000)])
    assert.equal(await send(body), 400);
  assert.equal(await send(`{"keys":["${"x".repeat(6 * 1024 * 1024)}"]}`), 413);
});
