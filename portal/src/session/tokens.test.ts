import assert from "node:assert/strict";
import { test } from "node:test";
import { done, fail, type Outcome } from "../api/failure.ts";
import type { Tokens } from "./oauth.ts";
import { createTokenKeeper } from "./tokens.ts";

const tokens = (access: string, endsAtMs: number, refresh: string | null = "r1"): Tokens => ({
  access,
  refresh,
  endsAtMs,
});

function scene(answer: () => Promise<Outcome<Tokens>>) {
  const asked: string[] = [];
  let nowMs = 0;
  const keeper = createTokenKeeper(
    (token) => {
      asked.push(token);
      return answer();
    },
    () => nowMs,
  );
  return { keeper, asked, at: (ms: number) => (nowMs = ms) };
}

const signedOut = fail({ kind: "signed-out" });

test("a token is used until half a minute before its end, then refreshed", async () => {
  const { keeper, asked, at } = scene(async () => done(tokens("second", 600_000, "r2")));
  keeper.hold(tokens("first", 300_000));
  at(269_999);
  assert.deepEqual(await keeper.current(), done("first"));
  at(270_000);
  assert.deepEqual(await keeper.current(), done("second"));
  await keeper.renewed();
  assert.deepEqual(asked, ["r1", "r2"]);
});

test("requests at the same time share one refresh, as its token is good for one use", async () => {
  const { keeper, asked, at } = scene(async () => done(tokens("second", 600_000, null)));
  keeper.hold(tokens("first", 300_000));
  at(300_000);
  const answers = await Promise.all([keeper.current(), keeper.renewed(), keeper.current()]);
  assert.deepEqual(answers, [done("second"), done("second"), done("second")]);
  assert.deepEqual(asked, ["r1"]);
});

test("a refresh token that is not rotated is kept", async () => {
  const { keeper, asked } = scene(async () => done(tokens("next", 1, null)));
  keeper.hold(tokens("first", 0));
  await keeper.current();
  await keeper.renewed();
  assert.deepEqual(asked, ["r1", "r1"]);
});

test("without tokens, or without a refresh token, one is signed out", async () => {
  const { keeper } = scene(async () => done(tokens("never", 1)));
  assert.deepEqual(await keeper.current(), signedOut);
  keeper.hold(tokens("first", 0, null));
  assert.deepEqual(await keeper.current(), signedOut);
});

test("a refresh that comes after the sign-out brings nothing back", async () => {
  const late = Promise.withResolvers<Outcome<Tokens>>();
  const { keeper } = scene(() => late.promise);
  keeper.hold(tokens("first", 0));
  const waiting = keeper.current();
  keeper.drop();
  late.resolve(done(tokens("second", 600_000)));
  assert.deepEqual(await waiting, signedOut);
  assert.deepEqual(await keeper.current(), signedOut);
});

test("a failed refresh is told and can be tried again", async () => {
  let isUp = false;
  const { keeper } = scene(async () =>
    isUp ? done(tokens("second", 600_000)) : fail({ kind: "offline" }),
  );
  keeper.hold(tokens("first", 0));
  assert.deepEqual(await keeper.current(), fail({ kind: "offline" }));
  isUp = true;
  assert.deepEqual(await keeper.current(), done("second"));
});
