import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Pool } from "undici";
import type { KeyService } from "#core/key-service.ts";
import type { Handler } from "#core/net.ts";
import { askingLimits } from "#keys/client-asking.ts";
import { createKeyClient, keyClientLimits } from "#keys/client.ts";
import { testFolder, testKeys, testPool } from "#keys/testing.ts";

const tenant = "6f0e8e0e-0000-4000-8000-000000000001";
const patientAt = (n: number): string =>
  `6f0e8e0e-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;
const one = [{ compartment: patientAt(1), dekVersion: 1 }];

async function clientOf(t: TestContext, handler: Handler): Promise<KeyService> {
  return createKeyClient(await testPool(t, handler));
}

function answerWith(status: number, body: string): Handler {
  return (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  };
}

async function unavailable(service: KeyService): Promise<string> {
  const found = await service.generate(tenant, one);
  assert.ok(!found.ok);
  assert.equal(found.problem.code, "key-unavailable");
  return found.problem.detail ?? "";
}

test("more keys than one request takes are asked for in several, and come in order", async (t) => {
  const { service, uses } = await testKeys(t);
  const names = Array.from({ length: 1_500 }, (_, n) => ({
    compartment: patientAt(n),
    dekVersion: 1,
  }));
  const made = await service.generate(tenant, names);
  assert.ok(made.ok);
  assert.deepEqual(
    made.value.map(({ wrapped }) => wrapped.compartment),
    names.map(({ compartment }) => compartment),
  );
  assert.deepEqual(
    uses.map(({ asked }) => asked),
    [1_000, 500],
  );
  const again = await service.unwrap(made.value.map(({ wrapped }) => wrapped));
  assert.ok(again.ok);
  assert.deepEqual(
    again.value,
    made.value.map(({ key }) => ({ ok: true, key })),
  );
});

test("asking for no keys asks nobody", async (t) => {
  const { service, uses } = await testKeys(t);
  assert.deepEqual(await service.unwrap([]), { ok: true, value: [] });
  assert.deepEqual(uses, []);
});

test("a key that does not unwrap is told by its code, the others beside it come", async (t) => {
  const { service } = await testKeys(t);
  const made = await service.generate(tenant, one);
  assert.ok(made.ok);
  const [{ wrapped, key } = assert.fail()] = made.value;
  const answer = await service.unwrap([{ ...wrapped, tenant: "another" }, wrapped]);
  assert.ok(answer.ok);
  assert.deepEqual(answer.value, [
    { ok: false, code: "damaged" },
    { ok: true, key },
  ]);
});

test("the status comes through", async (t) => {
  const { service } = await testKeys(t);
  const status = await service.status();
  assert.deepEqual(status, {
    ok: true,
    value: {
      kms: "file",
      kekEpoch: 1,
      epochs: status.ok ? status.value.epochs : [],
      unwraps: 0,
      log: { lines: 0, hash: Buffer.alloc(32).toString("base64url") },
    },
  });
});

test("a role that may not have the key is told so, not that the service is down", async (t) => {
  const { service } = await testKeys(t, "identity");
  const found = await service.generate(tenant, one);
  assert.ok(!found.ok);
  assert.equal(found.problem.code, "forbidden");
});

test("a keys process that is gone gives key-unavailable at once", async (t) => {
  const socketPath = join(await testFolder(t), "nobody.sock");
  const pool = new Pool("http://localhost", { connect: { socketPath } });
  t.after(() => pool.destroy());
  assert.equal(await unavailable(createKeyClient(pool)), "it cannot be reached");
});

test("a keys process that never answers gives key-unavailable within its time", async (t) => {
  const service = await clientOf(t, (request) => request.resume());
  const began = performance.now();
  assert.equal(await unavailable(service), "it does not answer in time");
  assert.ok(performance.now() - began < keyClientLimits.answerMs + 500);
});

test("an answer that stops half way gives key-unavailable within its time", async (t) => {
  const service = await clientOf(t, (request, response) => {
    request.resume();
    response.writeHead(200, { "content-length": 1_000 }).write('{"keys":[');
  });
  const began = performance.now();
  assert.equal(await unavailable(service), "it does not answer in time");
  assert.ok(performance.now() - began < keyClientLimits.answerMs + 500);
});

test("a connection lost under the question is asked once more, and no oftener", async (t) => {
  let asked = 0;
  const service = await clientOf(t, (request) => {
    asked += 1;
    request.socket.destroy();
  });
  assert.equal(await unavailable(service), "it cannot be reached");
  assert.equal(asked, askingLimits.tries);
});

const nonsense: Record<string, Handler> = {
  "no JSON": answerWith(200, "<html>"),
  "another shape": answerWith(200, '{"keys":[{"key":"AA"}]}'),
  "fewer keys than asked": answerWith(200, '{"keys":[]}'),
  "an error": answerWith(500, "{}"),
  "more than it may": answerWith(200, " ".repeat(2 * 1024 * 1024)),
};

for (const [what, handler] of Object.entries(nonsense)) {
  test(`a keys process that answers ${what} gives key-unavailable`, async (t) => {
    await unavailable(await clientOf(t, handler));
  });
}

test("a key made for another compartment than asked is not taken", async (t) => {
  const { service } = await testKeys(t);
  const other = await service.generate(tenant, [{ compartment: patientAt(2), dekVersion: 1 }]);
  assert.ok(other.ok);
  const keys = other.value.map(({ wrapped, key }) => ({
    wrapped,
    key: key.toString("base64url"),
  }));
  const lying = await clientOf(t, answerWith(200, JSON.stringify({ keys })));
  assert.equal(await unavailable(lying), "it answered something else");
});
