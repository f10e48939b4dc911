import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Result } from "#core/result.ts";
import { createHsmThread, hsmLimits, type HsmThread } from "#keys/kms/pkcs11/hsm-thread.ts";

const order = { module: "", token: "", key: "", pin: "", make: false, nonce: Buffer.alloc(12) };

async function silentHsm(t: TestContext, limits: Partial<typeof hsmLimits>): Promise<HsmThread> {
  const start = (): Worker => new Worker(new URL("./test-silent-worker.ts", import.meta.url));
  const thread = createHsmThread({ ...hsmLimits, ...limits }, start);
  t.after(() => thread.close());
  assert.ok((await thread.open(order)).ok);
  return thread;
}

const ask = (thread: HsmThread, data = "x"): Promise<Result<Buffer>> =>
  thread.work({ nonce: Buffer.alloc(0), aad: Buffer.alloc(0), data: Buffer.from(data) });

function detailOf(result: Result<unknown>): string {
  assert.ok(!result.ok);
  assert.equal(result.problem.code, "key-unavailable");
  return result.problem.detail ?? "";
}

test("an HSM that hangs is given up within the limit while the event loop goes on", async (t) => {
  const thread = await silentHsm(t, { answerMs: 60 });
  const began = performance.now();
  assert.match(detailOf(await ask(thread)), /within 60 ms/);
  assert.ok(performance.now() - began < 250);
});

test("an HSM that owes an answer is asked nothing more until it answers", async (t) => {
  const thread = await silentHsm(t, { answerMs: 60 });
  await ask(thread);
  assert.match(detailOf(await ask(thread)), /owes an answer/);
  await sleep(500);
  assert.match(detailOf(await ask(thread)), /within 60 ms/);
});

test("more jobs than may wait are refused at once", async (t) => {
  const thread = await silentHsm(t, { waiting: 2, answerMs: 5_000 });
  const answers = await Promise.all([ask(thread), ask(thread), ask(thread)]);
  assert.deepEqual(
    answers.map(({ ok }) => ok),
    [true, true, false],
  );
});

test("when the thread dies, whoever waits is told and whoever asks later too", async (t) => {
  const thread = await silentHsm(t, {});
  assert.match(detailOf(await ask(thread, "end")), /has ended/);
  assert.match(detailOf(await ask(thread)), /has ended/);
});
