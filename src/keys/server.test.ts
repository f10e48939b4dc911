import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Pool } from "undici";
import type { GenerateAnswer, UnwrapAnswer, WrappedKey } from "#core/key-wire.ts";
import { ok } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import { parseKeyStatus } from "#keys/wire.ts";
import type { RecordUse } from "#keys/desk.ts";
import { createKeysServer } from "#keys/server.ts";
import {
  countUse,
  testOpenHome,
  testPool,
  testServerDeps,
  type CountedUse,
} from "#keys/testing.ts";

const tenant = "6f0e8e0e-0000-4000-8000-000000000001";
const patient = "6f0e8e0e-0000-4000-8000-00000000000a";

interface Desk {
  readonly uses: CountedUse[];
  /** Who asks from now on; null is a caller without a role. */
  caller: ProcessRole | null;
  ask(path: string, body: unknown): Promise<{ status: number; body: unknown }>;
  raw(options: Parameters<Pool["request"]>[0]): Promise<{ status: number; body: unknown }>;
}

async function desk(t: TestContext, record?: RecordUse): Promise<Desk> {
  const uses: CountedUse[] = [];
  const made: Desk = {
    uses,
    caller: "records",
    ask: (path, body) =>
      made.raw({
        method: "POST",
        path,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    raw: async (options) => {
      const answer = await pool.request(options);
      return { status: answer.statusCode, body: await answer.body.json() };
    },
  };
  const note: RecordUse = async (use) => {
    uses.push(countUse(use));
    return ok(use.signals);
  };
  const home = await testOpenHome(t);
  const handler = createKeysServer(
    testServerDeps(home, {
      peerOf: () => made.caller,
      record: record ?? note,
    }),
  );
  const pool = await testPool(t, handler);
  return made;
}

async function generated(at: Desk, compartment: string): Promise<GenerateAnswer["keys"][number]> {
  const answer = await at.ask("/generate", {
    tenant,
    compartments: [{ compartment, dekVersion: 1 }],
  });
  assert.equal(answer.status, 200);
  const [key] = (answer.body as GenerateAnswer).keys;
  assert.ok(key);
  return key;
}

async function unwrapped(
  at: Desk,
  ...keys: WrappedKey[]
): Promise<readonly UnwrapAnswer["keys"][number][]> {
  const answer = await at.ask("/unwrap", { keys });
  assert.equal(answer.status, 200);
  return (answer.body as UnwrapAnswer).keys;
}

test("records gets the key of a patient and unwraps it again to the same bytes", async (t) => {
  const at = await desk(t);
  const { wrapped, key } = await generated(at, patient);
  assert.deepEqual(await unwrapped(at, wrapped), [{ ok: true, key }]);
});

test("two keys made for one compartment differ", async (t) => {
  const at = await desk(t);
  assert.notEqual((await generated(at, patient)).key, (await generated(at, patient)).key);
});

test("identity asking for a patient's key gets none, though its own beside it unwraps", async (t) => {
  const at = await desk(t);
  const { wrapped } = await generated(at, patient);
  at.caller = "identity";
  const own = await generated(at, "identity");
  assert.deepEqual(await unwrapped(at, wrapped, own.wrapped), [
    { ok: false, code: "not-yours" },
    { ok: true, key: own.key },
  ]);
});

const refusals: readonly [ProcessRole, string][] = [
  ["identity", patient],
  ["identity", "organisation"],
  ["records", "identity"],
  ["records", "anything"],
  ["gateway", patient],
  ["operator", "organisation"],
  ["keys", "identity"],
];

for (const [role, compartment] of refusals) {
  test(`${role} may have no key for ${compartment} made`, async (t) => {
    const at = await desk(t);
    at.caller = role;
    const answer = await at.ask("/generate", {
      tenant,
      compartments: [{ compartment, dekVersion: 1 }],
    });
    assert.equal(answer.status, 403);
    assert.deepEqual(at.uses, []);
  });
}

test("a caller without a role learns nothing, not even the status", async (t) => {
  const at = await desk(t);
  at.caller = null;
  assert.equal((await at.raw({ method: "GET", path: "/status" })).status, 403);
});

test("a damaged key and one of a lost epoch fail alone", async (t) => {
  const at = await desk(t);
  const { wrapped, key } = await generated(at, patient);
  const damaged = { ...wrapped, dekVersion: 2 };
  const lost = { ...wrapped, kekEpoch: 7 };
  assert.deepEqual(await unwrapped(at, damaged, wrapped, lost), [
    { ok: false, code: "damaged" },
    { ok: true, key },
    { ok: false, code: "wrong-epoch" },
  ]);
});

test("each request is told with who asked, and how many keys were asked and given", async (t) => {
  const at = await desk(t);
  const { wrapped } = await generated(at, patient);
  await unwrapped(at, wrapped, { ...wrapped, dekVersion: 2 });
  assert.deepEqual(at.uses, [
    { action: "generate", who: "records", asked: 1, given: 1 },
    { action: "unwrap", who: "records", asked: 2, given: 1 },
  ]);
});

test("when the use cannot be told, no key is handed out", async (t) => {
  const at = await desk(t, () => {
    throw new Error("no room to note it");
  });
  const answer = await at.ask("/generate", {
    tenant,
    compartments: [{ compartment: patient, dekVersion: 1 }],
  });
  assert.equal(answer.status, 500);
  assert.ok(!JSON.stringify(answer.body).includes("no room"));
});

test("the status counts the keys that were unwrapped", async (t) => {
  const at = await desk(t);
  const { wrapped } = await generated(at, patient);
  await unwrapped(at, wrapped, wrapped);
  const status = await at.raw({ method: "GET", path: "/status" });
  assert.equal(parseKeyStatus(status.body)?.unwraps, 2);
});

const one = { compartment: patient, dekVersion: 1 };
const malformed: Record<string, unknown> = {
  "no keys": {},
  "an unknown name beside": { tenant, compartments: [one], more: 1 },
  "a version of zero": { tenant, compartments: [{ ...one, dekVersion: 0 }] },
  "a version that is no number": { tenant, compartments: [{ ...one, dekVersion: "1" }] },
  "an endless name": { tenant: "t".repeat(65), compartments: [one] },
  "more keys than one request may ask": {
    tenant,
    compartments: Array.from({ length: 1_001 }, () => one),
  },
  "a list for an object": [],
};

for (const [what, body] of Object.entries(malformed)) {
  test(`a request to generate with ${what} is refused`, async (t) => {
    const at = await desk(t);
    assert.equal((await at.ask("/generate", body)).status, 400);
  });
}

test("a wrapped key that is cut or padded is refused as malformed", async (t) => {
  const at = await desk(t);
  const { wrapped } = await generated(at, patient);
  for (const text of ["", wrapped.wrapped.slice(1), `${wrapped.wrapped}=`, "!".repeat(80)]) {
    const answer = await at.ask("/unwrap", { keys: [{ ...wrapped, wrapped: text }] });
    assert.equal(answer.status, 400);
  }
});

test("a body over the limit is refused with 413 and the next question still answered", async (t) => {
  const at = await desk(t);
  const answer = await at.ask("/unwrap", { keys: ["x".repeat(600 * 1024)] });
  assert.equal(answer.status, 413);
  assert.equal((await at.raw({ method: "GET", path: "/status" })).status, 200);
});

test("a body that names one key twice, is no JSON or is no JSON by type is refused", async (t) => {
  const at = await desk(t);
  const send = (body: string, type = "application/json"): ReturnType<Desk["raw"]> =>
    at.raw({ method: "POST", path: "/unwrap", headers: { "content-type": type }, body });
  assert.equal((await send('{"keys":[],"keys":[]}')).status, 400);
  assert.equal((await send("{")).status, 400);
  assert.equal((await send('{"keys":[]}', "text/plain")).status, 415);
});

test("an unknown address answers 404 without a word about what exists", async (t) => {
  const at = await desk(t);
  assert.equal((await at.raw({ method: "GET", path: "/unwrap" })).status, 404);
  assert.equal((await at.raw({ method: "GET", path: "/status?x=1" })).status, 404);
});
