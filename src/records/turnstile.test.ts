import assert from "node:assert/strict";
import { test } from "node:test";
import { invariant } from "#core/result.ts";
import { createTurnstile, turnstileWaiting, type Turnstile } from "#records/turnstile.ts";

async function entered(turnstile: Turnstile, ...keys: string[]): Promise<() => void> {
  const leave = await turnstile.enter(keys);
  invariant(leave.ok, "there is room");
  return leave.value;
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
};

test("who shares a key waits for those before, and nobody else does", async () => {
  const turnstile = createTurnstile();
  const seen: string[] = [];
  const first = await entered(turnstile, "a", "b");
  const waiting = [
    entered(turnstile, "b").then((leave) => (seen.push("second"), leave)),
    entered(turnstile, "b", "a").then((leave) => (seen.push("third"), leave)),
  ];
  (await entered(turnstile, "c"))();
  await turns();
  assert.deepEqual(seen, []);
  first();
  (await waiting[0])?.();
  (await waiting[1])?.();
  assert.deepEqual(seen, ["second", "third"]);
});

test("keys taken crosswise do not wait for each other for ever", async () => {
  const turnstile = createTurnstile();
  const done = await Promise.all(
    [["a", "b"], ["b", "a"], ["a"], ["b", "a", "a"]].map(async (keys) => {
      const leave = await entered(turnstile, ...keys);
      await turns();
      leave();
      return keys.length;
    }),
  );
  assert.equal(done.length, 4);
});

test("leaving twice lets nobody in early", async () => {
  const turnstile = createTurnstile();
  const first = await entered(turnstile, "a");
  first();
  const second = await entered(turnstile, "a");
  first();
  let inside = false;
  const third = entered(turnstile, "a").then((leave) => ((inside = true), leave));
  await turns();
  assert.ok(!inside);
  second();
  (await third)();
});

test("more than may wait are turned away, and let in again when others have left", async () => {
  const turnstile = createTurnstile();
  const held: (() => void)[] = [];
  for (let at = 0; at < turnstileWaiting; at += 1) held.push(await entered(turnstile, `${at}`));
  const refused = await turnstile.enter(["more"]);
  assert.equal(refused.ok ? "let in" : refused.problem.code, "overloaded");
  held[0]?.();
  assert.ok((await turnstile.enter(["more"])).ok);
});
