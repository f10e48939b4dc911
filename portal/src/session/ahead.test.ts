import assert from "node:assert/strict";
import { test } from "node:test";
import { done, fail, type Outcome } from "../api/failure.ts";
import { createAhead } from "./ahead.ts";

function counted(answers: readonly Outcome<number>[]) {
  let asked = 0;
  let now = 0;
  const ask = async (): Promise<Outcome<number>> => {
    asked += 1;
    return answers[asked - 1] ?? fail({ kind: "offline" });
  };
  const ahead = createAhead(ask, { goodForMs: 100, nowMs: () => now });
  return {
    ahead,
    asked: () => asked,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test("what was prepared is there without another question, and once", async () => {
  const { ahead, asked } = counted([done(1), done(2)]);
  ahead.prepare();
  assert.deepEqual(await ahead.take(), done(1));
  assert.equal(asked(), 1);
  assert.deepEqual(await ahead.take(), done(2));
});

test("what nobody prepared is asked for", async () => {
  const { ahead } = counted([done(1)]);
  assert.deepEqual(await ahead.take(), done(1));
});

test("what is too old is asked for anew", async () => {
  const { ahead, pass } = counted([done(1), done(2)]);
  ahead.prepare();
  pass(100);
  assert.deepEqual(await ahead.take(), done(2));
});

test("what failed ahead of time is asked for once more", async () => {
  const { ahead } = counted([fail({ kind: "offline" }), done(2)]);
  ahead.prepare();
  assert.deepEqual(await ahead.take(), done(2));
});
